import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answering } from './caching/cached-app.ts'
import { call, metricsOf } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { readEvents } from './event-reader.ts'
import { type MailServer, startMailServer } from './servers/mail-server.ts'
import { ada, addAccount, type LoggedIn, logIn, openTestGateway, type TestGateway } from './test-gateway.ts'

// What apps, dashboards and scripts are built on. Add freely; whatever is renamed here breaks somebody else's work.

const opened = new AsyncDisposableStack()
let gateway: TestGateway
let mails: MailServer
let target: string

beforeAll(async () => {
  const app = opened.use(await startEchoApp())
  const news = opened.use(await startEchoApp(answering({ 'cache-control': 'max-age=60' })))
  mails = opened.use(await startMailServer())
  target = new URL(app.url).host
  gateway = opened.use(
    await openTestGateway({
      upstream: app.url,
      config: {
        mail: { smtp: mails.url },
        upstreams: { app: { url: app.url }, news: { url: news.url } },
        routes: [
          { path: '/api/vente', service: 'vente', upstream: 'app', access: 'connected', policies: ['calls'] },
          { path: '/news', upstream: 'news', access: 'public', cache: true },
        ],
      },
    }),
  )
  await addAccount(gateway)
})
afterAll(() => opened.disposeAsync())

interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON was sent
  readonly body: any
}

async function send(url: string, method: string, body?: object, headers = {}): Promise<Answer> {
  const type = body && { 'content-type': 'application/json' }
  const response = await fetch(url, {
    method,
    headers: { ...type, ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

const ask = (method: string, path: string, body?: object, headers = {}): Promise<Answer> =>
  send(gateway.url + path, method, body, headers)

const administer = (method: string, path: string, body?: object): Promise<Answer> =>
  send(gateway.adminUrl + path, method, body, { authorization: `Bearer ${gateway.adminToken}` })

describe('the callers’ listener', () => {
  test('an account from its registration to its end', async () => {
    const email = 'zoe@etu.example'
    const password = 'quatre mots bien longs'
    const zoe = { firstName: 'Zoé', lastName: 'Durand', email }
    expect((await ask('POST', '/auth/register', { ...zoe, password })).status).toBe(202)
    const wrongCode = await ask('POST', '/auth/activate', { email, code: '000000' })
    expect([wrongCode.status, wrongCode.body.code]).toEqual([400, 'invalid-code'])
    const { code } = await mails.waitForMailTo(email)
    expect((await ask('POST', '/auth/activate', { email, code })).status).toBe(204)

    const refused = await ask('POST', '/auth/login', { email, password: 'another one' })
    expect([refused.status, refused.body.code]).toEqual([401, 'invalid-credentials'])
    const other = await logIn(gateway, { email, password })
    const login = await ask('POST', '/auth/login', { email, password })
    const tokens = {
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      expiresInSeconds: 900,
    }
    const account = { id: other.account.id, ...zoe, role: 'user' }
    expect(login).toMatchObject({ status: 200, body: { ...tokens, account } })
    expect(login.headers.getSetCookie()).toHaveLength(2)
    const { refreshToken } = login.body
    const refreshed = await ask('POST', '/auth/refresh', { refreshToken })
    expect(refreshed).toMatchObject({ status: 200, body: { ...tokens, account } })
    expect((await ask('POST', '/auth/refresh', { refreshToken: 'none' })).status).toBe(401)

    const mine = { authorization: `Bearer ${refreshed.body.accessToken}` }
    expect(await ask('GET', '/auth/me', undefined, mine)).toMatchObject({ status: 200, body: account })
    const renamed = await ask('PATCH', '/auth/me', { lastName: 'Martin' }, mine)
    expect(renamed).toMatchObject({ status: 200, body: { ...account, lastName: 'Martin' } })
    const { sessions } = (await ask('GET', '/auth/sessions', undefined, mine)).body
    const another = sessions.find(({ isCurrent }: { isCurrent: boolean }) => !isCurrent)
    expect((await ask('DELETE', `/auth/sessions/${another.id}`, undefined, mine)).status).toBe(204)
    expect((await ask('GET', '/auth/me', undefined, other.authorization)).status).toBe(401)
    expect((await ask('DELETE', '/auth/sessions', undefined, mine)).status).toBe(204)
    const newPassword = 'encore quatre mots bien longs'
    const change = { currentPassword: password, newPassword }
    expect((await ask('POST', '/auth/password', change, mine)).status).toBe(204)
    expect((await ask('POST', '/auth/logout', undefined, mine)).status).toBe(204)
    expect((await ask('GET', '/auth/me', undefined, mine)).status).toBe(401)

    const { authorization } = await logIn(gateway, { email, password: newPassword })
    const removal = { currentPassword: newPassword }
    expect((await ask('DELETE', '/auth/me', removal, authorization)).status).toBe(204)
    expect((await ask('POST', '/auth/login', { email, password: newPassword })).status).toBe(401)
  })

  test.each(['login', 'register', 'activate', 'account'])(
    'the page /auth/%s in both languages',
    async (name) => {
      const headers = { accept: 'text/html', ...(await logIn(gateway)).authorization }
      for (const language of ['fr', 'en']) {
        const page = await call(`${gateway.url}/auth/${name}`, { ...headers, 'accept-language': language })
        expect([page.status, /<html lang="(\w+)"/.exec(page.body)?.[1]]).toEqual([200, language])
      }
    },
  )

  test('ten calls with a quota that is told, an eleventh that says when to come back', async () => {
    const { authorization } = await logIn(gateway)
    await using events = await readEvents(`${gateway.url}/quota/events`, authorization)
    expect((await events.next('quota')).data.policies).toHaveLength(1)
    const decide = { ...authorization, 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/api/vente' }
    expect((await ask('GET', '/decide', undefined, decide)).status).toBe(204)
    const anonymous = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/api/vente' }
    expect((await ask('GET', '/decide', undefined, anonymous)).status).toBe(401)

    const admitted = await ask('GET', '/api/vente', undefined, authorization)
    expect(admitted.headers.get('ratelimit-policy')).toBe('"calls";q=10;w=600')
    expect(admitted.headers.get('ratelimit')).toMatch(/^"calls";r=8;t=(600|599)$/)
    for (let i = 0; i < 8; i++) await ask('GET', '/api/vente', undefined, authorization)

    const limited = await ask('GET', '/api/vente', undefined, authorization)
    expect(limited).toMatchObject({
      status: 429,
      body: {
        type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
        'violated-policies': ['calls'],
      },
    })
    const { headers } = limited
    expect(headers.get('content-type')).toContain('application/problem+json')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('ratelimit-policy')).toBe('"calls";q=10;w=600')
    expect(headers.get('ratelimit')).toBe(`"calls";r=0;t=${headers.get('retry-after')}`)
    expect((await ask('GET', '/decide', undefined, decide)).status).toBe(429)
    expect((await events.next('limited')).event).toBe('limited')

    const quota = await ask('GET', '/quota', undefined, authorization)
    const policy = { name: 'calls', quota: 10, windowSeconds: 600, remaining: 0 }
    expect(quota).toMatchObject({ status: 200, body: { policies: [policy] } })
    expect(quota.body.policies[0].resetSeconds).toBeGreaterThan(590)
    await administer('DELETE', `/api/limits/${encodeURIComponent(`email:${ada.email}`)}`)
    expect((await events.next('restored')).event).toBe('restored')
  })

  test('the app learns who calls by these headers, whatever the client claims', async () => {
    const { authorization, account } = await logIn(gateway)
    const claims = { 'x-forwarded-user': '999', X_Forwarded_User: '999', 'X.Forwarded.User': '999' }
    const { body } = await ask('GET', '/api/vente', undefined, { ...authorization, ...claims })
    expect(body.headers).toMatchObject({
      'x-forwarded-user': account.id,
      'x-forwarded-email': ada.email,
      'x-forwarded-name': `${ada.firstName} ${ada.lastName}`,
      'x-forwarded-groups': 'user',
      'x-guichet-assertion': expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': new URL(gateway.url).host,
      forwarded: expect.stringContaining('for='),
      'x-request-id': expect.any(String),
      traceparent: expect.any(String),
    })
    expect(Object.keys(body.headers).filter((name) => /^x[_.]/.test(name))).toEqual([])
  })

  test('the keys of the assertion are public; what no route covers is 404', async () => {
    expect((await ask('GET', '/.well-known/jwks.json')).body.keys).toHaveLength(1)
    expect((await ask('GET', '/nowhere')).status).toBe(404)
  })
})

describe('the admin listener', () => {
  test.each(['/livez', '/readyz', '/metrics', '/'])('%s is open on loopback', async (path) => {
    expect((await call(gateway.adminUrl + path)).status).toBe(200)
  })

  test('the statistics, the calls, the targets and what is loaded need the token', async () => {
    const { authorization, account } = await logIn(gateway)
    await ask('GET', '/api/vente', undefined, authorization)
    const person = { id: account.id, firstName: ada.firstName, lastName: ada.lastName, email: ada.email }
    const shapes = {
      '/api/stats/recent-logins?limit=10': [{ account: person, at: expect.stringMatching(/T.*Z$/) }],
      '/api/stats/top-logins?days=3&limit=3': [{ account: person, logins: expect.any(Number) }],
      '/api/stats/least-active?limit=10': [{ account: person, calls: expect.any(Number) }],
      '/api/stats/services': [{ service: 'vente', calls: expect.any(Number) }],
      [`/api/calls?account=${account.id}&service=vente&limit=1`]: [{ service: 'vente' }],
      '/api/upstreams': [{ name: 'app', targets: [{ name: target, state: 'up' }] }, { name: 'news' }],
      '/api/config': { admin: { token: expect.not.stringContaining(gateway.adminToken) } },
    }
    for (const [path, shape] of Object.entries(shapes)) {
      await expect
        .poll(async () => (await administer('GET', path)).body, { message: path })
        .toMatchObject(shape)
      expect((await call(gateway.adminUrl + path)).status, path).toBe(401)
    }
  })

  test('accounts, their sessions and their limits', async () => {
    const grace = { firstName: 'Grace', lastName: 'Hopper', email: 'grace@etu.example' }
    const password = 'nanoseconds of wire'
    const created = await administer('POST', '/api/accounts', { ...grace, password })
    expect(created).toMatchObject({ status: 201, body: grace })
    const place = `/api/accounts/${created.body.id}`
    expect((await administer('GET', '/api/accounts')).body.accounts).toContainEqual(
      expect.objectContaining(grace),
    )
    expect(await administer('GET', place)).toMatchObject({ status: 200, body: grace })
    const promoted = await administer('PATCH', place, { firstName: 'Amazing' })
    expect(promoted).toMatchObject({ status: 200, body: { firstName: 'Amazing' } })

    const session: LoggedIn = await logIn(gateway, { email: grace.email, password })
    const { sessions } = (await administer('GET', `${place}/sessions`)).body
    expect((await administer('DELETE', `${place}/sessions/${sessions[0].id}`)).status).toBe(204)
    expect((await ask('GET', '/auth/me', undefined, session.authorization)).status).toBe(401)

    const limits = `/api/limits/user:${created.body.id}`
    expect(await administer('GET', limits)).toMatchObject({
      status: 200,
      body: { policies: [{ policy: 'calls' }] },
    })
    const boost = { policy: 'calls', quota: 20, forSeconds: 60, reason: 'an exam' }
    expect(await administer('PUT', `${limits}/boost`, boost)).toMatchObject({
      status: 200,
      body: { policies: [{ policy: 'calls', quota: 20 }] },
    })
    expect((await administer('DELETE', limits)).status).toBe(200)
    expect((await administer('DELETE', place)).status).toBe(204)
    const trail = (await administer('GET', '/api/audit')).body.map(({ action }: { action: string }) => action)
    expect(trail).toEqual(expect.arrayContaining(['create-account', 'boost', 'reset', 'delete-account']))
  })

  test('a target is drained and comes back; stored answers are purged', async () => {
    const drain = `/api/upstreams/app/targets/${target}/drain`
    expect((await administer('PUT', drain)).body.state).toBe('drained')
    expect((await administer('DELETE', drain)).body.state).toBe('up')
    await ask('GET', '/news')
    expect((await administer('DELETE', '/api/cache?path=/news')).body).toEqual({ purged: 1 })
  })
})

const metrics = [
  'guichet_http_requests_total{code,method,route}',
  'guichet_http_request_duration_seconds_count{route}',
  'guichet_upstream_duration_seconds_count{upstream}',
  'guichet_overhead_duration_seconds_count{route}',
  'guichet_decisions_total{decision,policy,tier}',
  'guichet_store_up{store}',
  'guichet_store_call_duration_seconds_count{store}',
  'guichet_store_errors_total{store}',
  'guichet_service_calls_total{service}',
  'guichet_logins_total{result}',
  'guichet_sessions{}',
  'guichet_recent_login_timestamp_seconds{account}',
  'guichet_top_logins{account}',
  'guichet_least_active_calls{account}',
  'guichet_upstream_up{target,upstream}',
  'guichet_upstream_taking_calls{target,upstream}',
  'guichet_config_reload_success{}',
  'guichet_hits_pending{}',
  'guichet_worker_restarts_total{}',
  'guichet_build_info{node,version}',
]

test('every promised metric is there after use, under its labels', async () => {
  const { authorization } = await logIn(gateway)
  await ask('GET', '/api/vente', undefined, authorization)
  const text = await metricsOf(gateway)
  const exported = [...text.matchAll(/^(\w+)(?:\{(.*)\})? /gm)].map(([, name, labels = '']) => {
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label)
    return `${name}{${names.toSorted().join()}}`
  })
  expect(exported).toEqual(expect.arrayContaining(metrics))
})
