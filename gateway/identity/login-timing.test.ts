import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AuthBench, openAuth } from '../test/identity/open-auth.ts'

const tries = 40
const kinds = ['unknown', 'wrong', 'disabled', 'plain text'] as const
type Kind = (typeof kinds)[number]

let auth: AuthBench
beforeAll(async () => {
  auth = await openAuth()
  await auth.addAccount('wrong@example.org', 'the right password')
  await auth.addAccount('disabled@example.org', 'the right password', false)
  const old = await auth.addAccount('old@example.org', 'irrelevant')
  await auth.accounts.setPasswordHash(old.id, 'kept as plain text')
})
afterAll(() => auth[Symbol.asyncDispose]())

const credentials: Record<Kind, { email: string; password: string }> = {
  unknown: { email: 'unknown@example.org', password: 'a wrong password' },
  wrong: { email: 'wrong@example.org', password: 'a wrong password' },
  disabled: { email: 'disabled@example.org', password: 'the right password' },
  'plain text': { email: 'old@example.org', password: 'a wrong password' },
}

async function time(kind: Kind): Promise<number> {
  const from = performance.now()
  await auth.send('/auth/login', { json: credentials[kind] })
  return performance.now() - from
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

it('takes the same time to refuse an unknown e-mail, a wrong password and a disabled account', async () => {
  for (const kind of kinds) await time(kind)
  const times: Record<Kind, number[]> = { unknown: [], wrong: [], disabled: [], 'plain text': [] }
  // One of each a round, in another order each time: a noisy neighbour slows them all alike.
  for (let round = 0; round < tries; round++) {
    for (const kind of kinds.toSorted(() => Math.random() - 0.5)) times[kind].push(await time(kind))
  }
  const medians = kinds.map((kind) => median(times[kind]))
  const [shortest, longest] = [Math.min(...medians), Math.max(...medians)]
  // Without its hash the unknown takes a tenth of the others.
  expect(longest / shortest, `medians in ms: ${kinds.join(', ')}: ${medians}`).toBeLessThan(1.35)
})
