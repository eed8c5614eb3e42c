import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuthBench, openAuth } from '../test/identity/open-auth.ts'
import type { Account } from './account.ts'

let auth: AuthBench
let ada = ''
let adaAgain = ''
let eve = ''
beforeAll(async () => {
  auth = await openAuth()
  const account = (id: string): Account => ({
    id,
    firstName: 'A',
    lastName: 'B',
    email: `${id}@example.org`,
    role: 'user',
    plan: null,
    isActive: true,
  })
  ada = await auth.tokens.issueAccessToken(account('1'), 'a', auth.clock.now)
  adaAgain = await auth.tokens.issueAccessToken(account('1'), 'b', auth.clock.now)
  eve = await auth.tokens.issueAccessToken(account('2'), 'c', auth.clock.now)
})
afterAll(() => auth[Symbol.asyncDispose]())

const name = '__Host-guichet-access'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const cookie = (...tokens: string[]) => ({ cookie: tokens.map((token) => `${name}=${token}`).join('; ') })
const navigation = { accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate' }

describe('the caller', () => {
  it.each([
    ['the bearer token', () => bearer(ada)],
    ['a bearer in any case', () => ({ authorization: `bEARER  ${ada}` })],
    ['the cookie', () => cookie(ada)],
    ['the cookie among others', () => ({ cookie: `a=b; x${name}=${eve}; ${name}=${ada}; c` })],
    ['both, of one account', () => ({ ...bearer(ada), ...cookie(adaAgain) })],
    ['the cookie beside a scheme of the app', () => ({ authorization: 'Basic YTpi', ...cookie(ada) })],
    ['two cookies, one of them stale', () => cookie('stale', ada)],
  ])('is who %s says', async (_, headers) => {
    const answer = await auth.send('/private', { headers: headers() })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ kind: 'connected', accountId: '1', email: '1@example.org' })
  })

  it('has the session of the bearer when both were sent', async () => {
    const answer = await auth.send('/private', { headers: { ...bearer(ada), ...cookie(adaAgain) } })
    expect(answer.body).toMatchObject({ sessionId: 'a' })
  })

  it.each([
    ['two Authorization headers', () => ({ authorization: [`Bearer ${ada}`, `Bearer ${ada}`] })],
    ['two schemes', () => ({ authorization: [`Bearer ${ada}`, 'Basic YTpi'] })],
    ['a bearer and a cookie of two accounts', () => ({ ...bearer(ada), ...cookie(eve) })],
    ['two cookies of two accounts', () => cookie(ada, eve)],
  ])('is nobody when there are %s (C13)', async (_, headers) => {
    for (const path of ['/private', '/public']) {
      const answer = await auth.send(path, { headers: headers() })
      expect(answer.status).toBe(400)
      expect(answer.body).toMatchObject({ code: 'ambiguous-credentials' })
    }
  })

  it.each([
    ['a wrong token', () => bearer('x.y.z')],
    ['a wrong cookie', () => cookie('x')],
    ['an empty bearer', () => ({ authorization: 'Bearer ' })],
    ['a wrong bearer beside a good cookie', () => ({ ...bearer('x.y.z'), ...cookie(ada) })],
    ['a scheme of the app', () => ({ authorization: 'Basic YTpi' })],
    ['nothing', () => ({})],
  ])('is anonymous on a public route with %s, and refused on another', async (_, headers) => {
    expect((await auth.send('/public', { headers: headers() })).body).toEqual({ kind: 'anonymous' })
    expect((await auth.send('/private', { headers: headers() })).status).toBe(401)
  })

  it('is not believed for a token that the query or another header carries', async () => {
    const answer = await auth.send(`/private?access_token=${ada}`, {
      headers: { 'x-authorization': `Bearer ${ada}` },
    })
    expect(answer.status).toBe(401)
  })
})

describe('a refusal', () => {
  it('says what to send, and that what was sent is no good', async () => {
    const asked = async (headers: Record<string, string>): Promise<unknown> =>
      (await auth.send('/private', { headers })).headers['www-authenticate']
    expect(await asked({})).toBe('Bearer realm="guichet"')
    expect(await asked(bearer('x.y.z'))).toBe('Bearer realm="guichet", error="invalid_token"')
    expect(await asked(cookie('x'))).toBe('Bearer realm="guichet", error="invalid_token"')
  })

  it('sends a person to the login page with the way back, and takes the dead cookie', async () => {
    const answer = await auth.send('/private/a?b=c&d=é'.replace('é', '%C3%A9'), {
      headers: { ...navigation, ...cookie('x') },
    })
    expect(answer.status).toBe(303)
    const location = new URL(answer.headers.location ?? '', auth.url)
    expect(location.pathname).toBe('/auth/login')
    expect(location.searchParams.get('return_to')).toBe('/private/a?b=c&d=%C3%A9')
    expect(answer.headers['set-cookie']).toEqual([
      `${name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure`,
    ])
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('sends an older browser there as well, which tells no mode', async () => {
    expect((await auth.send('/private', { headers: { accept: 'text/html' } })).status).toBe(303)
  })

  it.each([
    ['a script', { accept: 'text/html', 'sec-fetch-mode': 'cors' }],
    ['a program', { accept: '*/*' }],
    ['a client with a token', { ...navigation, authorization: 'Bearer x.y.z' }],
  ])('is a plain 401 for %s', async (_, headers) => {
    expect((await auth.send('/private', { headers })).status).toBe(401)
  })

  it('is a plain 401 for a form, whose fields a redirect would lose', async () => {
    expect((await auth.send('/private', { method: 'POST', headers: navigation })).status).toBe(401)
  })

  it('takes no cookie back from who has sent none', async () => {
    expect((await auth.send('/private')).headers['set-cookie']).toBe(undefined)
  })
})
