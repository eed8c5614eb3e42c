import { describe, expect, it } from 'vitest'
import { type Answer, startEchoApp } from './echo-app.ts'
import { startRawAnswers } from './proxying/raw-app.ts'
import { addAccount, logIn, openTestGateway } from './test-gateway.ts'

const shop = 'https://shop.example'
const evil = 'https://evil.example'
const ours = 'RateLimit, RateLimit-Policy, Retry-After, X-Request-Id'

const routes = [
  { path: '/', upstream: 'app', access: 'public' },
  { path: '/api', upstream: 'app', policies: ['calls'] },
]
const configWith = (answers: object) => ({
  answers,
  policies: { calls: { quota: 1, per: '10m' } },
  login: { policies: [] },
  routes,
})

type Spoken = Record<'origin' | 'credentials' | 'exposed' | 'vary', string | null>

const spokenBy = ({ headers }: Response): Spoken => ({
  origin: headers.get('access-control-allow-origin'),
  credentials: headers.get('access-control-allow-credentials'),
  exposed: headers.get('access-control-expose-headers'),
  vary: headers.get('vary'),
})

const silent: Spoken = { origin: null, credentials: null, exposed: null, vary: null }
const allowed: Spoken = { origin: shop, credentials: 'true', exposed: ours, vary: 'Origin' }

async function open(answers: object, answer?: Answer) {
  const opening = new AsyncDisposableStack()
  const app = opening.use(await startEchoApp(answer))
  const gateway = opening.use(await openTestGateway({ upstream: app.url, config: configWith(answers) }))
  await addAccount(gateway)
  const { authorization } = await logIn(gateway)
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    fetch(gateway.url + path, { method, headers })
  return { ask, authorization, [Symbol.asyncDispose]: () => opening.disposeAsync() }
}

describe('with an origin that is allowed', () => {
  it('its scripts can read refusals and endpoints of the gateway', async () => {
    await using at = await open({ corsOrigins: [evil.replace('evil', 'other'), shop] })
    const refused = await at.ask('/api', { origin: shop })
    expect([refused.status, spokenBy(refused)]).toEqual([401, allowed])
    await at.ask('/api', at.authorization)
    const limited = await at.ask('/api', { origin: shop, ...at.authorization })
    expect([limited.status, spokenBy(limited)]).toEqual([429, allowed])
    expect(spokenBy(await at.ask('/auth/me', { origin: shop, ...at.authorization }))).toEqual(allowed)
  })

  it('its scripts may send their token: what the browser asks before is answered here', async () => {
    await using at = await open({ corsOrigins: [shop] })
    const preflight = (origin: string) =>
      at.ask(
        '/api',
        {
          origin,
          'access-control-request-method': 'DELETE',
          'access-control-request-headers': 'authorization',
        },
        'OPTIONS',
      )
    const answer = await preflight(shop)
    expect(answer.status).toBe(204)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': shop,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'DELETE',
      'access-control-allow-headers': 'authorization',
    })
    expect((await preflight(evil)).status).toBe(401)
  })

  it('those of another origin cannot, and no cache mixes up the two', async () => {
    await using at = await open({ corsOrigins: shop })
    for (const origin of [evil, 'null', `${shop}.evil.example`, shop.toUpperCase(), '']) {
      expect(spokenBy(await at.ask('/api', { origin })), origin).toEqual({ ...silent, vary: 'Origin' })
    }
    expect(spokenBy(await at.ask('/auth/me'))).toEqual({ ...silent, vary: 'Origin' })
  })

  it("the app's own answers stay the app's to open", async () => {
    await using at = await open({ corsOrigins: [shop] })
    const answer = await at.ask('/api', { origin: shop, ...at.authorization })
    expect([answer.status, spokenBy(answer)]).toEqual([200, silent])
    expect(answer.headers.get('ratelimit')).toMatch(/^"calls"/)
  })

  it('an answer of the app that broke became ours', async () => {
    const broken = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\naccess-control-allow-origin: https://app\r\n\r\n'
    await using app = await startRawAnswers(broken)
    await using gateway = await openTestGateway({
      upstream: app.url,
      config: configWith({ corsOrigins: [shop] }),
    })
    const answer = await fetch(gateway.url, { headers: { origin: shop } })
    expect([answer.status, spokenBy(answer)]).toEqual([502, allowed])
  })

  it('so did one that never came', async () => {
    await using away = await openTestGateway({
      upstream: 'http://127.0.0.1:9',
      config: configWith({ corsOrigins: [shop] }),
    })
    const failed = await fetch(away.url, { headers: { origin: shop } })
    expect([failed.status, spokenBy(failed)]).toEqual([502, allowed])
  })
})

it('any origin may read, without credentials', async () => {
  await using at = await open({ corsOrigins: '*' })
  expect(spokenBy(await at.ask('/api', { origin: evil }))).toEqual({ ...silent, origin: '*', exposed: ours })
})

it('unless told, scripts of other origins read nothing of ours', async () => {
  await using at = await open({})
  expect(spokenBy(await at.ask('/api', { origin: shop }))).toEqual(silent)
})

describe('an app that speaks to other origins itself', () => {
  const speaking =
    (headers: Record<string, string>): Answer =>
    (_request, response) => {
      response.writeHead(200, headers).end('hello')
    }

  it.each([
    [undefined, ours],
    ['X-Total, retry-after', 'X-Total, retry-after, RateLimit, RateLimit-Policy, X-Request-Id'],
    ['*', `*, ${ours}`],
  ])('exposes what it exposes (%s) and the limit fields', async (exposing, expected) => {
    const headers = { 'access-control-allow-origin': evil, vary: 'Accept' }
    const more = exposing === undefined ? {} : { 'access-control-expose-headers': exposing }
    await using at = await open({ corsOrigins: [shop] }, speaking({ ...headers, ...more }))
    const answer = await at.ask('/api', { origin: evil, ...at.authorization })
    expect(spokenBy(answer)).toEqual({ ...silent, origin: evil, exposed: expected, vary: 'Accept' })
  })

  it('exposes nothing more where nothing is limited', async () => {
    await using at = await open({}, speaking({ 'access-control-allow-origin': '*' }))
    expect(spokenBy(await at.ask('/', { origin: evil }))).toEqual({ ...silent, origin: '*' })
  })
})

describe('the older fields', () => {
  const legacyOf = ({ headers }: Response): (string | null)[] =>
    ['limit', 'remaining', 'reset'].map((name) => headers.get(`x-ratelimit-${name}`))

  it('are sent and exposed when they are wanted, on admitted and denied calls', async () => {
    await using at = await open({ legacyHeaders: true, corsOrigins: [shop] })
    const headers = { origin: shop, ...at.authorization }
    expect(legacyOf(await at.ask('/api', headers))).toEqual(['1', '0', expect.stringMatching(/^(600|599)$/)])
    const denied = await at.ask('/api', headers)
    expect(legacyOf(denied)).toEqual(['1', '0', denied.headers.get('retry-after')])
    expect(spokenBy(denied).exposed).toContain('X-RateLimit-Remaining')
  })

  it('are not sent unless they are wanted', async () => {
    await using at = await open({})
    expect(legacyOf(await at.ask('/api', at.authorization))).toEqual([null, null, null])
  })

  it.each([
    ['-1', ['9', '-1', '7']],
    ['3', ['1', '0', '600']],
    ['none', ['1', '0', '600']],
  ])('tell the tighter of two limits when the app has one that leaves %s', async (remaining, expected) => {
    const theirs = {
      'x-ratelimit-limit': '9',
      'x-ratelimit-remaining': remaining,
      'x-ratelimit-reset': '7',
    }
    await using at = await open({ legacyHeaders: true }, (_request, response) => {
      response.writeHead(200, theirs).end()
    })
    expect(legacyOf(await at.ask('/api', at.authorization))).toEqual(expected)
  })
})
