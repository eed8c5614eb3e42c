import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AuthBench, openAuth } from '../test/identity/open-auth.ts'
import { createEmbeddedLoginDelays } from './login-delays.embedded.ts'

const tries = 40
const kinds = ['unknown', 'wrong', 'disabled', 'plain text'] as const
type Kind = (typeof kinds)[number]

let auth: AuthBench
beforeAll(async () => {
  // Delays are asked and count, and each attempt comes long after the one before.
  let hours = 0
  auth = await openAuth({ loginDelays: createEmbeddedLoginDelays({ now: () => 3_600_000 * hours++ }) })
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

/** Not the mean nor the median: what else runs on the machine only ever adds time. */
const lowerQuartile = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 2] ?? 0

/** How much longer the slowest refusal takes than the fastest, over many of each. */
async function measureSpread(): Promise<number> {
  const times: Record<Kind, number[]> = { unknown: [], wrong: [], disabled: [], 'plain text': [] }
  // One of each a round, in another order each time: a noisy neighbour slows them all alike.
  for (let round = 0; round < tries; round++) {
    for (const kind of kinds.toSorted(() => Math.random() - 0.5)) times[kind].push(await time(kind))
  }
  const typical = kinds.map((kind) => lowerQuartile(times[kind]))
  return Math.max(...typical) / Math.min(...typical)
}

it('takes the same time to refuse an unknown e-mail, a wrong password and a disabled account', async () => {
  for (const kind of kinds) await time(kind)
  // Noise passes, a leak stays: without its hash the unknown takes a tenth of the others, every time.
  const spreads: number[] = []
  while (spreads.length < 3 && !spreads.some((spread) => spread < 1.25)) spreads.push(await measureSpread())
  expect(Math.min(...spreads), `spreads: ${spreads}`).toBeLessThan(1.25)
})
