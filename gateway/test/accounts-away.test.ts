import { Redis } from 'ioredis'
import { expect, inject, it } from 'vitest'
import { call, metricsOf, sumOf } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { createDatabase, startMariadb } from './servers/mariadb.ts'
import { ada, addAccount, logIn, openTestGateway } from './test-gateway.ts'

const sessions = new URL('/28', inject('redisUrl')).href

it('while MySQL is away, who is logged in goes on, and logins are told when to come back', async () => {
  await using opened = new AsyncDisposableStack()
  const redis = new Redis(sessions)
  await redis.flushdb()
  redis.disconnect()
  const app = opened.use(await startEchoApp())
  const mariadb = opened.use(await startMariadb({ args: ['--innodb-flush-log-at-trx-commit=1'] }))
  const accounts = await createDatabase(mariadb.url())
  const gateway = opened.use(await openTestGateway({ upstream: app.url, sessions, accounts }))
  await addAccount(gateway, ada, accounts)
  const { authorization } = await logIn(gateway)
  const ask = () => call(`${gateway.url}/api/vente`, authorization)

  async function tryToLogIn(email: string = ada.email) {
    const startedAtMs = performance.now()
    const response = await fetch(`${gateway.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: ada.password }),
    })
    const { status, headers } = response
    return { status, headers, body: await response.text(), durationMs: performance.now() - startedAtMs }
  }

  for (const goAway of [() => mariadb.kill(), () => mariadb.freeze()]) {
    await goAway()
    // At once, as after a restart of the site: none of them may queue behind the others. Each is somebody else, since
    // attempts of one account wait for each other.
    const [alive, ...logins] = await Promise.all([
      ask(),
      ...Array.from({ length: 12 }, (_, i) => tryToLogIn(`${i}@etu.example`)),
    ])
    expect(alive).toMatchObject({ status: 200 })
    expect(alive.durationMs).toBeLessThan(600)
    for (const { status, headers, body, durationMs } of logins) {
      expect(status).toBe(503)
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json\b/)
      expect(headers.get('retry-after')).toMatch(/^[12]$/)
      expect(JSON.parse(body)).toMatchObject({ code: 'store-unavailable' })
      expect(durationMs).toBeLessThan(2_900)
    }
    expect((await ask()).status).toBe(200)

    await mariadb.restart()
    await expect.poll(async () => (await tryToLogIn()).status, { timeout: 5_000 }).toBe(200)
  }
  expect(
    sumOf(await metricsOf(gateway), 'guichet_logins_total', { result: 'failed' }),
  ).toBeGreaterThanOrEqual(24)
})
