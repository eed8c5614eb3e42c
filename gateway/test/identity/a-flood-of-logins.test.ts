import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'

it('a flood of logins is shed with a Retry-After, and costs nobody else a call (L2)', async () => {
  await using app = await startEchoApp()
  await using gateway = await openTestGateway({
    upstream: app.url,
    config: {
      listen: { port: 0, publicUrl: 'http://localhost', trustedProxies: '127.0.0.1' },
      policies: { calls: { quota: 10_000, per: '10m', by: 'user' } },
      login: { policies: [] },
    },
  })
  await addAccount(gateway)
  const { authorization } = await logIn(gateway)

  let isOver = false
  const guess = (number: number): Promise<Response> =>
    fetch(`${gateway.url}/auth/login`, {
      method: 'POST',
      // From everywhere, at every account: only the bound on hashes stands in its way.
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': `10.0.${number >> 8}.${number & 255}`,
      },
      body: JSON.stringify({ email: `nobody-${number}@etu.example`, password: 'x'.repeat(1_000) }),
    })
  const flood = Promise.all(Array.from({ length: 400 }, (_, number) => guess(number))).finally(() => {
    isOver = true
  })
  const calls: { status: number; durationMs: number }[] = []
  while (!isOver) {
    const from = performance.now()
    const { status } = await fetch(`${gateway.url}/api/vente`, { headers: authorization })
    calls.push({ status, durationMs: performance.now() - from })
    await sleep(5)
  }

  const answers = await flood
  const statuses = new Set(answers.map(({ status }) => status))
  expect(statuses).toEqual(new Set([401, 503]))
  for (const { status, headers } of answers) if (status === 503) expect(headers.get('retry-after')).toBe('1')
  expect(calls.length).toBeGreaterThan(10)
  expect(new Set(calls.map(({ status }) => status))).toEqual(new Set([200]))
  const durations = calls.map(({ durationMs }) => durationMs).toSorted((a, b) => a - b)
  // Waiting behind 64 hashes would take a second.
  expect(durations[durations.length >> 1]).toBeLessThan(300)
})
