import fastify, { type FastifyInstance } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import type { GatewayError } from '../errors.ts'
import type { Statistics } from '../hits/statistics.ts'
import { type AdminOptions, adminRoutes } from './admin.routes.ts'

const token = 'a-token-of-the-test'
const bearer = { authorization: `Bearer ${token}` }
const ada = { id: '7', firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.org' }

/** Answers that tell what they were asked. */
const statistics: Statistics = {
  recentLogins: async (limit) => [{ account: ada, at: `limit ${limit}` }],
  topLogins: async (days, limit) => [{ account: ada, logins: days * 10_000 + limit }],
  leastActive: async (limit) => [{ account: ada, calls: limit }],
  services: async () => [{ service: 'vente', calls: 3 }],
  recentCalls: async (filter) => [filter as never],
}

async function open(changes: Partial<AdminOptions> = {}): Promise<FastifyInstance> {
  const app = fastify()
  onTestFinished(() => app.close())
  // As the listener's own handler, in short.
  app.setErrorHandler<GatewayError>(({ code, status, message, details }, _request, reply) => {
    if (details.retryAfterSeconds !== undefined)
      reply.header('retry-after', String(details.retryAfterSeconds))
    return reply
      .code(status)
      .type('application/problem+json')
      .send(JSON.stringify({ code, detail: message }))
  })
  await app.register(adminRoutes, {
    ...{ limits: {} as AdminOptions['limits'], accounts: {} as AdminOptions['accounts'] },
    cache: {} as AdminOptions['cache'],
    upstreams: {} as AdminOptions['upstreams'],
    ...{ token, statistics, checks: [], config: { stores: { hits: 'redis://***@redis/1' } } },
    metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', scrape: async () => 'up 1\n' },
    ...changes,
  })
  return app
}

const get = (app: FastifyInstance, url: string, from: { remoteAddress?: string; headers?: object } = {}) =>
  app.inject({ url, ...from, headers: { host: 'localhost:9090', ...from.headers } })

const protectedPaths = [
  ...['/api/stats/recent-logins', '/api/stats/top-logins', '/api/stats/least-active', '/api/stats/services'],
  ...['/api/calls', '/api/config', '/api/unknown', '/anything'],
  ...['/api/accounts', '/api/accounts/1', '/api/accounts/1/sessions'],
]

test.each(protectedPaths)('%s needs the token, even from this machine', async (path) => {
  const app = await open()
  const refused = [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: 'Basic eDp5' },
    { authorization: token },
  ]
  for (const headers of refused) {
    const answer = await get(app, path, { headers })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
    expect(answer.json().detail).toContain('GUICHET_ADMIN_TOKEN')
    expect(answer.body).not.toContain(token)
  }
  expect((await get(app, path, { headers: bearer })).statusCode).not.toBe(401)
})

test('health and metrics are open to this machine, and to nobody else without the token', async () => {
  const app = await open()
  for (const path of ['/livez', '/readyz', '/metrics']) {
    for (const remoteAddress of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.8.8.8']) {
      expect((await get(app, path, { remoteAddress })).statusCode).toBe(200)
    }
    expect((await get(app, path, { remoteAddress: '192.0.2.1' })).statusCode).toBe(401)
    expect((await get(app, path, { remoteAddress: '192.0.2.1', headers: bearer })).statusCode).toBe(200)
    // Through a proxy on this machine, or through a name that a web page made point here.
    expect((await get(app, path, { headers: { 'x-forwarded-for': '192.0.2.1' } })).statusCode).toBe(401)
    expect((await get(app, path, { headers: { host: 'evil.example:9090' } })).statusCode).toBe(401)
  }
})

test('an empty token is refused at start, since everyone would know it', async () => {
  await expect(open({ token: '' })).rejects.toThrow('Set GUICHET_ADMIN_TOKEN')
})

test('the statistics pass on limit and days, and have defaults', async () => {
  const app = await open()
  const ask = async (path: string) => (await get(app, path, { headers: bearer })).json()
  expect(await ask('/api/stats/recent-logins')).toEqual([{ account: ada, at: 'limit 10' }])
  expect(await ask('/api/stats/recent-logins?limit=1000')).toEqual([{ account: ada, at: 'limit 1000' }])
  expect(await ask('/api/stats/top-logins')).toEqual([{ account: ada, logins: 30_003 }])
  expect(await ask('/api/stats/top-logins?days=90&limit=5')).toEqual([{ account: ada, logins: 900_005 }])
  expect(await ask('/api/stats/least-active?limit=1')).toEqual([{ account: ada, calls: 1 }])
  expect(await ask('/api/stats/services')).toEqual([{ service: 'vente', calls: 3 }])
  expect(await ask('/api/calls')).toEqual([{ limit: 50 }])
  expect(await ask('/api/calls?account=7&service=vente&limit=2')).toEqual([
    { accountId: '7', service: 'vente', limit: 2 },
  ])
  expect(await ask('/api/calls?account=')).toEqual([{ limit: 50 }])
})

test.each([
  ...[
    'limit=0',
    'limit=1001',
    'limit=',
    'limit=ten',
    'limit=1.5',
    'limit=-1',
    'limit=1e2',
    'limit=1&limit=2',
  ],
  ...['limit=%F0%9F%92%A9', 'limit=99999999999999999999', 'days=0', 'days=91', 'days=x'],
])('%s is refused with what to send instead', async (query) => {
  const answer = await get(await open(), `/api/stats/top-logins?${query}`, { headers: bearer })
  expect(answer.statusCode).toBe(400)
  expect(answer.json()).toMatchObject({
    code: 'invalid-request',
    detail: expect.stringMatching(/^(limit|days) must be a whole number from 1 to (1000|90)\. Send \?/),
  })
})

test('a filter of the calls must be one short text', async () => {
  const app = await open()
  for (const query of ['account=1&account=2', `service=${'x'.repeat(101)}`]) {
    expect((await get(app, `/api/calls?${query}`, { headers: bearer })).statusCode).toBe(400)
  }
})

test('statistics whose store is away answer 503, and not what went wrong inside', async () => {
  const services = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:6379'))
  const answer = await get(await open({ statistics: { ...statistics, services } }), '/api/stats/services', {
    headers: bearer,
  })
  expect(answer.statusCode).toBe(503)
  expect(answer.headers['retry-after']).toBe('2')
  expect(answer.body).not.toContain('10.0.0.7')
})

test('readiness names each store; liveness does not ask them', async () => {
  const app = await open({
    checks: [
      { name: 'redis', isReady: async () => {} },
      { name: 'mysql', isReady: () => Promise.reject(new Error('refused')) },
      { name: 'frozen', isReady: () => new Promise(() => {}) },
    ],
  })
  const answer = await get(app, '/readyz')
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toEqual({
    ...{ ready: false, draining: false, stores: { redis: 'up', mysql: 'down', frozen: 'down' } },
  })
  expect((await get(app, '/livez')).statusCode).toBe(200)
})

test('a store without which calls are served is shown, and leaves the gateway ready', async () => {
  const isReady = () => Promise.reject(new Error('refused'))
  const app = await open({ checks: [{ name: 'hits', isRequired: false, isReady }] })
  const answer = await get(app, '/readyz')
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toEqual({ ready: true, draining: false, stores: { hits: 'down' } })
})

test('a gateway that drains is alive but not ready', async () => {
  const app = await open({ isDraining: () => true })
  expect((await get(app, '/readyz')).statusCode).toBe(503)
  expect((await get(app, '/livez')).statusCode).toBe(200)
})

test('the configuration and the metrics are those handed in', async () => {
  const app = await open()
  expect((await get(app, '/api/config', { headers: bearer })).json()).toEqual({
    stores: { hits: 'redis://***@redis/1' },
  })
  const metrics = await get(app, '/metrics')
  expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(metrics.body).toBe('up 1\n')
})

test('an unknown path is 404 with the token', async () => {
  expect((await get(await open(), '/api/unknown', { headers: bearer })).statusCode).toBe(404)
})

test('the page and its files are open, and may run nothing but themselves', async () => {
  const app = await open()
  const page = await get(app, '/', { remoteAddress: '192.0.2.1' })
  expect(page.statusCode).toBe(200)
  expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
  expect(page.headers['content-security-policy']).not.toContain('unsafe')
  for (const [, file] of page.body.matchAll(/(?:src|href)="([^"]+)"/g)) {
    expect((await get(app, file as string)).statusCode, file).toBe(200)
  }
})
