import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EchoApp, startEchoApp } from '../echo-app.ts'
import { addAccount, logIn, openTestGateway, type TestGateway } from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
let app: EchoApp
let gateway: TestGateway
let cookie: string
let bearer: { authorization: string }

beforeAll(async () => {
  app = opened.use(await startEchoApp())
  const vente = { upstream: 'app', access: 'connected', policies: ['calls'] }
  const config = {
    policies: { calls: { quota: 1000, per: '10m', by: 'user' } },
    login: { policies: [] },
    answers: { corsOrigins: ['https://shop.example'] },
    routes: [
      { path: '/', upstream: 'app', access: 'public' },
      { path: '/api/vente', ...vente },
      { path: '/payment/return', ...vente, crossSite: 'allow' },
    ],
  }
  gateway = opened.use(await openTestGateway({ upstream: app.url, config }))
  await addAccount(gateway)
  const { accessToken, authorization } = await logIn(gateway)
  cookie = `guichet_access=${accessToken}`
  bearer = authorization
})

const call = (path: string, headers: Record<string, string>, method = 'POST'): Promise<Response> =>
  fetch(`${gateway.url}${path}`, { method, headers, ...(method === 'POST' && { body: 'amount=1' }) })

const foreign = [
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
]

describe.each(foreign)('a call that another site made a browser send, %j', (headers) => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'is refused for %s under our cookie, and not counted',
    async (method) => {
      const before = app.seen.length
      const left = async () =>
        (await call('/api/vente', { cookie }, 'GET')).headers.get('ratelimit')?.match(/r=(\d+)/)?.[1]
      const leftBefore = Number(await left())
      const answer = await call('/api/vente', { ...headers, cookie }, method)
      expect(answer.status).toBe(403)
      expect(await answer.json()).toMatchObject({ code: 'cross-site' })
      expect(Number(await left())).toBe(leftBefore - 1)
      expect(app.seen.length - before).toBe(2)
    },
  )

  it('is refused on a public route too, since the app would be told who calls', async () => {
    expect((await call('/feedback', { ...headers, cookie })).status).toBe(403)
  })

  it('passes when it only reads, with a bearer token, without our cookie, and where the route says so', async () => {
    expect((await call('/api/vente', { ...headers, cookie }, 'GET')).status).toBe(200)
    expect((await call('/api/vente', { ...headers, ...bearer })).status).toBe(200)
    expect((await call('/api/vente', { ...headers, ...bearer, cookie })).status).toBe(200)
    expect((await call('/feedback', { ...headers, cookie: 'app_session=1' })).status).toBe(200)
    expect((await call('/payment/return', { ...headers, cookie })).status).toBe(200)
  })

  it('is refused by /decide for the method that is described', async () => {
    const described = { 'x-forwarded-uri': '/api/vente', ...headers, cookie }
    const ask = (method: string) => call('/decide', { ...described, 'x-forwarded-method': method }, 'GET')
    const refused = await ask('POST')
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ code: 'call-refused', reason: 'cross-site' })
    expect((await ask('GET')).status).toBe(204)
  })
})

it.each([
  { 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'none' },
  {},
  { 'sec-fetch-site': 'cross-site', origin: 'https://shop.example' },
])(
  'a call from here, from a program, or from a listed origin passes under the cookie: %j',
  async (headers) => {
    expect((await call('/api/vente', { ...headers, cookie })).status).toBe(200)
    const own = { origin: gateway.url }
    expect((await call('/api/vente', { ...own, cookie })).status).toBe(200)
  },
)

it('another scheme of the app beside our cookie makes no bearer call of it', async () => {
  const headers = { 'sec-fetch-site': 'cross-site', cookie, authorization: 'Basic YTpi' }
  expect((await call('/api/vente', headers)).status).toBe(403)
})

describe.each(foreign)('what changes something under /auth, asked by another site, %j', (headers) => {
  it.each([
    ...[
      'login',
      'refresh',
      'logout',
      'register',
      'activate',
      'activate/resend',
      'forgot',
      'reset',
      'password',
    ],
    ...['me/email', 'account/name', 'account/email', 'account/password', 'account/delete'],
    ...['account/sessions/end', 'account/sessions/end-others'],
  ])('is refused with our cookie, without it, and beside a bearer token: POST /auth/%s', async (path) => {
    for (const credentials of [{ cookie }, {}, bearer]) {
      const answer = await call(`/auth/${path}`, { ...headers, ...credentials })
      expect(answer.status).toBe(403)
      expect(answer.headers.get('set-cookie')).toBe(null)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await answer.json()).toMatchObject({ code: 'cross-site' })
    }
  })

  it.each([
    ['PATCH', 'me'],
    ['DELETE', 'me'],
    ['DELETE', 'sessions'],
    ['DELETE', 'sessions/AAAAAAAAAAAAAAAAAAAAAAAA'],
  ])('is refused: %s /auth/%s', async (method, path) => {
    expect((await call(`/auth/${path}`, { ...headers, cookie }, method)).status).toBe(403)
  })
})
