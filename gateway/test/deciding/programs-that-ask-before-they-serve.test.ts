import { afterEach, expect, inject, test } from 'vitest'
import { metricsOf, sumOf } from '../calls.ts'
import { startEchoApp } from '../echo-app.ts'
import { startGatewayProcess } from '../gateway-process.ts'
import { startRedis } from '../servers/redis.ts'
import { addAccount, logIn, openTestGateway, type TestGateway, temporaryDirectory } from '../test-gateway.ts'

let opened = new AsyncDisposableStack()
afterEach(async () => {
  await opened.disposeAsync()
  opened = new AsyncDisposableStack()
})

const onRedis = (db: number) => ({ sessions: new URL(`/${db}`, inject('redisUrl')).href })
let users = 0
const freshUser = (): string => `${process.pid}-${Date.now()}-${users++}`

async function open(
  changes: { sessions?: string; check?: object | null; config?: object; upstream?: string } = {},
): Promise<TestGateway> {
  const { check = { port: 0, policy: 'calls' }, config, upstream = 'http://127.0.0.1:9', ...rest } = changes
  return opened.use(
    await openTestGateway({ upstream, ...rest, config: { ...(check && { check }), ...config } }),
  )
}

async function ask({ checkUrl }: TestGateway, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${checkUrl}/can_user_connect`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

test.each([
  { mode: 'on Redis', stores: () => onRedis(42) },
  { mode: 'embedded', stores: () => ({}) },
])(
  '$mode ten questions about a user are allowed, the eleventh is not, and others go on',
  async ({ stores }) => {
    const gateway = await open(stores())
    const user = freshUser()
    for (let asked = 0; asked < 10; asked++) {
      expect(await ask(gateway, { user_id: user })).toMatchObject({ status: 200, body: { allowed: true } })
    }
    const eleventh = await ask(gateway, { user_id: user })
    expect(eleventh).toMatchObject({ status: 200, body: { allowed: false } })
    expect(Number(eleventh.headers.get('retry-after'))).toBeGreaterThan(590)
    expect(eleventh.headers.get('ratelimit')).toMatch(/^"calls";r=0;t=\d+$/)
    expect(await ask(gateway, { user_id: freshUser() })).toMatchObject({ body: { allowed: true } })
  },
)

test('forty questions at once of two gateways: ten are allowed', async () => {
  const both = [await open(onRedis(42)), await open(onRedis(42))] as const
  const user = freshUser()
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => ask(both[i % 2] as TestGateway, { user_id: user })),
  )
  expect(answers.filter(({ body }) => (body as { allowed: boolean }).allowed)).toHaveLength(10)
})

test('questions and calls through the gateway of one user share the window; a number is as good as its text', async () => {
  const app = opened.use(await startEchoApp())
  const gateway = await open({ upstream: app.url })
  await addAccount(gateway)
  const caller = await logIn(gateway)
  for (let asked = 0; asked < 4; asked++) await ask(gateway, { user_id: caller.account.id })
  for (let asked = 0; asked < 5; asked++) await ask(gateway, { user_id: Number(caller.account.id) })
  const call = () => fetch(`${gateway.url}/api/vente`, { headers: caller.authorization })
  expect([(await call()).status, (await call()).status]).toEqual([200, 429])
  expect(await ask(gateway, { user_id: caller.account.id })).toMatchObject({ body: { allowed: false } })
  expect(sumOf(await metricsOf(gateway), 'guichet_decisions_total', { decision: 'denied' })).toBe(2)
})

test.each([
  ['no JSON', '{"user_id":', 400],
  ['nothing', '', 400],
  ['a list', '[]', 400],
  ['no user', '{}', 400],
  ['an empty user', '{"user_id":""}', 400],
  ['half a user', '{"user_id":1.5}', 400],
  ['a map as user', '{"user_id":{"$ne":1}}', 400],
  ['a user with a line break', '{"user_id":"4\\n2"}', 400],
  ['a user of 10 KB', `{"user_id":"${'4'.repeat(9_900)}"}`, 400],
  ['a body of 20 KB', `{"user_id":"${'4'.repeat(20_000)}"}`, 413],
])('%s is refused as a problem that says what to send', async (_, body, status) => {
  const answer = await ask(await open(), body)
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  expect(String((answer.body as { detail: string }).detail).length).toBeGreaterThan(20)
})

test('a form of another site, which may send text unasked, is not understood', async () => {
  const answer = await ask(await open(), { user_id: '42' }, { 'content-type': 'text/plain' })
  expect(answer.status).toBe(415)
})

test('with a token nobody is answered without it', async () => {
  const gateway = await open({ check: { port: 0, policy: 'calls', token: 'check-token-of-the-test' } })
  for (const headers of [{}, { authorization: 'Bearer wrong' }] as Record<string, string>[]) {
    const refused = await ask(gateway, { user_id: '42' }, headers)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(JSON.stringify(refused.body)).not.toContain('check-token-of-the-test')
  }
  const headers = { authorization: 'Bearer check-token-of-the-test' }
  expect(await ask(gateway, { user_id: '42' }, headers)).toMatchObject({ body: { allowed: true } })
  const config = await fetch(`${gateway.adminUrl}/api/config`, {
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  })
  expect(await config.text()).not.toContain('check-token-of-the-test')
})

test('while the store is away, a policy that closes answers 503 and one that counts alone goes on', async () => {
  const redis = opened.use(await startRedis())
  const policies = (whenStoreIsDown: string) => ({
    calls: { quota: 2, per: '10m', by: 'user', whenStoreIsDown },
    logins: { quota: 1000, per: '10m', by: 'account' },
  })
  const closing = await open({ sessions: redis.url(0), config: { policies: policies('closed') } })
  const counting = await open({ sessions: redis.url(0), config: { policies: policies('local') } })
  await redis.kill()
  const refused = await ask(closing, { user_id: '42' })
  expect(refused).toMatchObject({ status: 503, body: { type: expect.stringContaining('temporary-reduced') } })
  expect(refused.headers.get('retry-after')).toBe('1')
  const answers = []
  for (let asked = 0; asked < 3; asked++) answers.push((await ask(counting, { user_id: '42' })).body)
  expect(answers).toEqual([{ allowed: true }, { allowed: true }, { allowed: false }])
})

test('it is off unless it is configured, on loopback, and the banner tells where it is', async () => {
  expect((await open({ check: null })).checkUrl).toBeNull()
  const directory = opened.use(await temporaryDirectory()).path
  const gateway = opened.use(
    await startGatewayProcess({
      ...{ upstream: 'http://127.0.0.1:9', directory },
      config: { check: { port: 0, policy: 'calls' } },
    }),
  )
  const { check } = await gateway.process.firstJsonLine()
  expect(check).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  const answer = await fetch(`${check}/can_user_connect`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"user_id":"42"}',
  })
  expect(await answer.json()).toEqual({ allowed: true })
  expect(await gateway.process.stop()).toEqual({ kind: 'exit', code: 0 })
})
