import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { accountDelays } from '../../identity/login-delays.ts'
import { metricsOf, sumOf } from '../calls.ts'
import { openTestGateway, type TestGateway } from '../test-gateway.ts'
import { type LoginApp, startLoginApp } from './apps-with-their-own-login.ts'

const ada = { email: 'ada@etu.example', password: 'plain text of the app' }

const delegates = {
  json: {
    path: '/login',
    subject: '/user/id',
    email: '/user/email',
    firstName: '/user/prenom',
    lastName: '/user/nom',
    redact: ['/user/password', '/typed/password', '/none/such'],
    logout: ['/logout'],
  },
  form: { path: '/form-login', success: { status: 302 }, subject: 'header:X-User-Id', logout: ['/logout'] },
}

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
let app: LoginApp
beforeAll(async () => {
  app = opened.use(await startLoginApp())
})

const open = (delegate: object, logins = 1000): Promise<TestGateway> =>
  openTestGateway({
    upstream: app.url,
    config: {
      identity: { delegate },
      policies: {
        calls: { quota: 10, per: '10m', by: 'user' },
        logins: { quota: logins, per: '10m', by: 'account' },
      },
      routes: [
        { path: '/', upstream: 'app', access: 'public' },
        { path: '/api', upstream: 'app', access: 'connected', service: 'vente', policies: ['calls'] },
      ],
    },
  })

const post = (
  { url }: { url: string },
  path: string,
  body: object | URLSearchParams,
  headers: Record<string, string> = {},
): Promise<Response> => {
  const isForm = body instanceof URLSearchParams
  return fetch(`${url}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...(!isForm && { 'content-type': 'application/json' }), ...headers },
    body: isForm ? body : JSON.stringify(body),
  })
}

const cookiesOf = (answer: Response): Record<string, string> =>
  Object.fromEntries(
    answer.headers.getSetCookie().map((line) => line.split(';')[0]?.split('=') as [string, string]),
  )
const asCookie = (cookies: Record<string, string>): string =>
  Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')

const statistics = async ({ adminUrl, adminToken }: TestGateway, path: string): Promise<unknown> =>
  (
    await fetch(`${adminUrl}/api/stats/${path}`, { headers: { authorization: `Bearer ${adminToken}` } })
  ).json()

describe('an app whose login answers {msg, user}', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = opened.use(await open(delegates.json))
  })
  beforeEach(() => {
    app.logins.length = 0
  })

  it('keeps its login: its answer passes, both sessions begin, and the password stays behind', async () => {
    const answer = await post(gateway, '/login', ada)
    expect(answer.status).toBe(200)
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({ msg: 'ok', user: { id: 7, email: 'Ada@etu.example' } })
    expect(text).not.toContain('password')
    expect(text).toContain('"balance":12345678901234567890.10')
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
    expect(answer.headers.get('etag')).toBe(null)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('ratelimit')).toMatch(/"logins";r=999/)
    const cookies = cookiesOf(answer)
    expect(Object.keys(cookies)).toEqual(['app_session', 'guichet_access', 'guichet_refresh'])

    const seen = await fetch(`${gateway.url}/api/x`, { headers: { cookie: asCookie(cookies) } })
    expect(seen.headers.get('ratelimit')).toMatch(/"calls";r=9/)
    expect(await seen.json()).toMatchObject({
      'x-forwarded-email': 'ada@etu.example',
      'x-forwarded-name': 'Ada Lovelace',
      cookie: 'app_session=s3cr3t',
    })
    expect(app.logins).toMatchObject([
      { 'accept-encoding': 'identity', 'x-forwarded-host': expect.any(String) },
    ])
  })

  it('has its people in the statistics, each with one account however often they come', async () => {
    await Promise.all([post(gateway, '/login', ada), post(gateway, '/login', ada)])
    expect(await statistics(gateway, 'recent-logins?limit=5')).toMatchObject([
      { account: { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@etu.example' } },
    ])
    expect(sumOf(await metricsOf(gateway), 'guichet_logins_total', { result: 'accepted' })).toBe(3)
  })

  it('refuses by itself: its answer passes without what must not leave, and no session begins', async () => {
    const answer = await post(gateway, '/login', { ...ada, password: 'x' })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ msg: 'wrong password', typed: { id: 7 } })
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  it.each(['/LOGIN', '/login/', '/Login?next=/', '/log%69n'])('is the same login as %s', async (path) => {
    const answer = await post(gateway, path, ada)
    expect(await answer.text()).not.toContain('plain text of the app')
  })

  it.each(['packed', 'truncated', 'huge'])(
    '%s answers are withheld: nothing can be taken out of them',
    async (mode) => {
      const answer = await post(gateway, '/login', { ...ada, mode })
      expect(answer.status).toBe(502)
      expect(await answer.text()).not.toContain('password"')
      expect(answer.headers.getSetCookie()).toEqual([])
    },
  )

  it('a login of which it does not say whose it is opens no session of ours', async () => {
    const answer = await post(gateway, '/login', { ...ada, mode: 'nameless' })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ msg: 'ok', user: {} })
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  it('is asked by no other site', async () => {
    const answer = await post(gateway, '/login', ada, { 'sec-fetch-site': 'cross-site' })
    expect(answer.status).toBe(403)
    expect(app.logins).toEqual([])
  })

  it('logs out of both, unless it could not', async () => {
    const cookie = asCookie(cookiesOf(await post(gateway, '/login', ada)))
    const call = async () => (await fetch(`${gateway.url}/api/x`, { headers: { cookie } })).status
    expect((await post(gateway, '/logout?fails=1', {}, { cookie })).status).toBe(500)
    expect(await call()).toBe(200)
    const answer = await post(gateway, '/logout', {}, { cookie })
    expect(await answer.json()).toEqual({ msg: 'bye' })
    expect(cookiesOf(answer)).toEqual({ app_session: '', guichet_access: '', guichet_refresh: '' })
    expect(await call()).toBe(401)
  })

  it('ends the session of ours that the browser came with', async () => {
    const cookie = asCookie(cookiesOf(await post(gateway, '/login', ada)))
    expect((await post(gateway, '/login', ada, { cookie })).status).toBe(200)
    expect((await fetch(`${gateway.url}/api/x`, { headers: { cookie } })).status).toBe(401)
  })

  it('lets nobody in whom an operator has disabled, and its own session does not begin either', async () => {
    const headers = { authorization: `Bearer ${gateway.adminToken}`, 'content-type': 'application/json' }
    const change = (isActive: boolean) =>
      fetch(`${gateway.adminUrl}/api/accounts/1`, {
        method: 'PATCH',
        headers,
        body: JSON.stringify({ isActive }),
      })
    expect((await change(false)).status).toBeLessThan(300)
    const answer = await post(gateway, '/login', ada)
    expect(answer.status).toBe(401)
    expect(answer.headers.getSetCookie()).toEqual([])
    expect((await change(true)).status).toBeLessThan(300)
  })
})

describe('guesses at an app’s own login', () => {
  it('are delayed like those at ours, its own failures aside, and never reach it meanwhile', async () => {
    await using gateway = await open(delegates.json)
    const guess = (more = {}) => post(gateway, '/login', { ...ada, password: 'x', ...more })
    for (let failure = 0; failure < 30; failure++) expect((await guess({ mode: 'broken' })).status).toBe(500)
    for (let time = 0; time < accountDelays.freeAttempts; time++) expect((await guess()).status).toBe(401)
    app.logins.length = 0
    const early = await post(gateway, '/login', ada)
    expect(early.status).toBe(429)
    expect(early.headers.get('retry-after')).toBe('1')
    expect(app.logins).toEqual([])
  })

  it.each(['PUT', 'PATCH', 'DELETE'])('are the same by %s', async (method) => {
    await using gateway = await open(delegates.json)
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ ...ada, password: 'x' })
    const guess = () => fetch(`${gateway.url}/login`, { method, headers, body })
    for (let time = 0; time < accountDelays.freeAttempts; time++) {
      expect(await (await guess()).text()).not.toContain('plain text of the app')
    }
    expect((await guess()).status).toBe(429)
  })

  it('at a name count together however it is written', async () => {
    await using gateway = await open(delegates.json)
    const guess = (email: string) => post(gateway, '/login', { email, password: 'x' })
    const spellings = ['ada', 'ADA', ' Ada', 'aDa ', '\uff41da']
    for (const email of spellings) expect((await guess(email)).status).toBe(401)
    expect((await guess('adA')).status).toBe(429)
  })

  it('successful ones are limited, before the app is asked', async () => {
    await using gateway = await open(delegates.json, 2)
    const statuses: number[] = []
    for (let login = 0; login < 4; login++) statuses.push((await post(gateway, '/login', ada)).status)
    expect(statuses).toEqual([200, 200, 429, 429])
  })
})

describe('an app whose login is a form that redirects, with a cookie and a header of its own', () => {
  it('keeps both, and the session of ours begins beside them', async () => {
    await using gateway = await open(delegates.form)
    const answer = await post(gateway, '/form-login', new URLSearchParams(ada))
    expect(answer.status).toBe(302)
    expect(answer.headers.get('location')).toBe('/home')
    const cookies = cookiesOf(answer)
    expect(Object.keys(cookies)).toEqual(['app_session', 'guichet_access', 'guichet_refresh'])
    const seen = await fetch(`${gateway.url}/api/x`, { headers: { cookie: asCookie(cookies) } })
    // A subject is no e-mail, and in capitals it is somebody else.
    expect(await seen.json()).toMatchObject({
      'x-forwarded-email': expect.stringMatching(/^sha256-\w{50}@delegate\.invalid$/),
    })
  })

  it('answers a page to a wrong password, which passes as it is', async () => {
    await using gateway = await open(delegates.form)
    const answer = await post(gateway, '/form-login', new URLSearchParams({ ...ada, password: 'x' }))
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('<p>Wrong password</p>')
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/)
    expect(answer.headers.getSetCookie()).toEqual([])
  })
})
