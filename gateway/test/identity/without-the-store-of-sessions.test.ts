import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call } from '../calls.ts'
import { startEchoApp } from '../echo-app.ts'
import { type PrivateRedis, startRedis } from '../servers/redis.ts'
import { addAccount, type LoggedIn, logIn, openTestGateway, type TestGateway } from '../test-gateway.ts'

const kinds = ['local', 'open', 'closed'] as const
const config = {
  policies: {
    ...Object.fromEntries(
      kinds.map((kind) => [kind, { quota: 1000, per: '10m', by: 'user', whenStoreIsDown: kind }]),
    ),
    logins: { quota: 1000, per: '10m', by: 'account' },
  },
  routes: kinds.map((kind) => ({ path: `/${kind}`, upstream: 'app', access: 'connected', policies: [kind] })),
}

describe.each([
  { how: 'dead', leave: (redis: PrivateRedis) => redis.kill() },
  { how: 'silent', leave: async (redis: PrivateRedis) => redis.freeze() },
])('while the Redis of sessions is $how (J8)', ({ leave }) => {
  const opened = new AsyncDisposableStack()
  afterAll(() => opened.disposeAsync())
  let gateway: TestGateway
  let person: LoggedIn

  beforeAll(async () => {
    const app = opened.use(await startEchoApp())
    const redis = opened.use(await startRedis())
    gateway = opened.use(await openTestGateway({ upstream: app.url, sessions: redis.url(), config }))
    await addAccount(gateway)
    person = await logIn(gateway)
    await leave(redis)
  })

  it.each([
    ['GET', '/auth/me'],
    ['POST', '/auth/refresh'],
    ['POST', '/auth/logout'],
    ['GET', '/auth/sessions'],
    ['DELETE', '/auth/sessions'],
    ['DELETE', `/auth/sessions/${'x'.repeat(24)}`],
  ])('%s %s is a quick 503 that may be tried again, and nobody is logged out', async (method, path) => {
    const isRefresh = path === '/auth/refresh'
    const response = await fetch(gateway.url + path, {
      method,
      headers: isRefresh ? { 'content-type': 'application/json' } : person.authorization,
      ...(isRefresh && { body: JSON.stringify({ refreshToken: person.refreshToken }) }),
    })
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(2)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await response.json()).toMatchObject({ code: 'store-unavailable' })
  })

  it.each([
    ['local', 200],
    ['open', 200],
    ['closed', 503],
  ])('a call under a policy that is %s then is answered %i', async (kind, status) => {
    expect((await call(`${gateway.url}/${kind}/x`, person.authorization)).status).toBe(status)
  })
})
