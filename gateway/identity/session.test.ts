import { importJWK, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'

let auth: AuthBench
beforeAll(async () => {
  auth = await openAuth()
  await auth.addAccount('ada@example.org', 'the right password')
})
afterAll(() => auth[Symbol.asyncDispose]())

const [accessName, refreshName] = ['__Host-guichet-access', '__Secure-guichet-refresh']
const logIn = (bench = auth): Promise<Answer> =>
  bench.send('/auth/login', { json: { email: 'ada@example.org', password: 'the right password' } })
let access = ''
let refresh = ''
beforeEach(async () => {
  const { cookies } = await logIn()
  access = cookies[accessName] ?? ''
  refresh = cookies[refreshName] ?? ''
})
const me = (token = access): Promise<Answer> =>
  auth.send('/auth/me', { headers: { authorization: `Bearer ${token}` } })
const tokenOf = ({ body }: Answer): string => String(body.refreshToken)

describe('POST /auth/refresh', () => {
  it.each([
    ['the cookie', () => ({ headers: { cookie: `${refreshName}=${refresh}` }, method: 'POST' })],
    [
      'the cookie and an empty JSON body',
      () => ({
        headers: { cookie: `${refreshName}=${refresh}`, 'content-type': 'application/json' },
        text: '',
      }),
    ],
    ['the body', () => ({ json: { refreshToken: refresh } })],
  ])('gives a new pair for %s, as a login does', async (_, sending) => {
    const answer = await auth.send('/auth/refresh', sending())
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.body)).toEqual(['accessToken', 'expiresInSeconds', 'refreshToken', 'account'])
    expect(answer.cookies[refreshName]).toBe(tokenOf(answer))
    expect(tokenOf(answer)).not.toBe(refresh)
    expect((await me(String(answer.body.accessToken))).status).toBe(200)
  })

  it('keeps the session, and takes changes of the account into the new token', async () => {
    auth.database.exec("UPDATE utilisateurs SET prenom = 'Augusta'")
    const answer = await auth.send('/auth/refresh', { json: { refreshToken: refresh } })
    auth.database.exec("UPDATE utilisateurs SET prenom = 'Ada'")
    expect(answer.body.account).toMatchObject({ firstName: 'Augusta' })
    expect(tokenOf(answer).split('.').slice(0, 2)).toEqual(refresh.split('.').slice(0, 2))
  })

  const send = (refreshToken: string): Promise<Answer> =>
    auth.send('/auth/refresh', { json: { refreshToken } })

  it('gives the same pair to 20 tabs that refresh at once, and the session lives on (L6)', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(refresh)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect((await send(tokenOf(answers[0] as Answer))).status).toBe(200)
  })

  it('gives the same pair again when the answer was lost on the way (L6)', async () => {
    const lost = await send(refresh)
    auth.clock.now += 9_000
    expect((await send(refresh)).text).toBe(lost.text)
  })

  it.each([
    [
      'after the grace',
      async () => {
        auth.clock.now += 10_001
      },
    ],
    ['when two have followed it', async () => void (await send(tokenOf(await send(refresh))))],
  ])(
    'ends the session for a token that comes again %s, for whoever holds the newer one too (L6)',
    async (_, wait) => {
      const next = tokenOf(await send(refresh))
      await wait()
      const replay = await send(refresh)
      expect(replay.status).toBe(401)
      expect(replay.cookies).toEqual({ [accessName]: '', [refreshName]: '' })
      expect((await send(next)).status).toBe(401)
      expect((await me()).status).toBe(401)
    },
  )

  it('is too late for a session that was not used for its idle lifetime', async () => {
    auth.clock.now += 7_000_000
    const next = await send(refresh)
    expect(next.status).toBe(200)
    auth.clock.now += 7_300_000
    expect((await send(tokenOf(next))).status).toBe(401)
  })

  it.each([
    ['nothing', ''],
    ['text', 'token'],
    ['an access token', 'x.y.z'],
    ['a session of nobody', `1.${'s'.repeat(24)}.${'x'.repeat(43)}`],
    ['a number too large for a database', `${'9'.repeat(40)}.${'s'.repeat(24)}.${'x'.repeat(43)}`],
    ['braces', `1}.${'s'.repeat(24)}.${'x'.repeat(43)}`],
  ])('refuses %s', async (_, refreshToken) => {
    expect((await auth.send('/auth/refresh', { json: { refreshToken } })).status).toBe(401)
  })

  it('refuses a disabled account and ends all its sessions', async () => {
    await auth.accounts.update('1', { isActive: false })
    const answer = await auth.send('/auth/refresh', { json: { refreshToken: refresh } })
    await auth.accounts.update('1', { isActive: true })
    expect(answer.status).toBe(401)
    expect(await auth.sessions.endAll('1')).toBe(0)
  })

  it('does not spend the token while the accounts are away', async () => {
    let isAway = true
    const { findById } = auth.accounts
    await using flaky = await openAuth({
      sessions: auth.sessions,
      tokens: auth.tokens,
      accounts: {
        ...auth.accounts,
        findById: (id) => (isAway ? Promise.reject(new Error('gone')) : findById(id)),
      },
    })
    const sendTo = () => flaky.send('/auth/refresh', { json: { refreshToken: refresh } })
    const refused = await sendTo()
    expect(refused.status).toBe(503)
    expect(refused.cookies).toEqual({})
    isAway = false
    expect((await sendTo()).status).toBe(200)
  })

  it('is refused from another site', async () => {
    const headers = { cookie: `${refreshName}=${refresh}`, 'sec-fetch-site': 'cross-site' }
    expect((await auth.send('/auth/refresh', { method: 'POST', headers })).status).toBe(403)
  })

  it('keeps no secret in the store', async () => {
    const [, sessionId = '', secret = ''] = refresh.split('.')
    const rotation = await auth.sessions.rotate(
      { accountId: '1', sessionId, presentedHash: secret, nextHash: 'x', issuedAtMs: 0, address: '' },
      { idleLifetimeMs: 60_000, graceMs: 10_000 },
    )
    expect(rotation).toEqual({ kind: 'reused' })
  })
})

describe('POST /auth/logout', () => {
  it.each([
    ['the access cookie', () => ({ headers: { cookie: `${accessName}=${access}` } })],
    ['the refresh cookie alone', () => ({ headers: { cookie: `${refreshName}=${refresh}` } })],
    ['the bearer token', () => ({ headers: { authorization: `Bearer ${access}` } })],
    ['the refresh token in the body', () => ({ json: { refreshToken: refresh } })],
  ])('ends the session of %s on the server and takes the cookies back', async (_, sending) => {
    const answer = await auth.send('/auth/logout', { method: 'POST', ...sending() })
    expect(answer.status).toBe(204)
    expect(answer.cookies).toEqual({ [accessName]: '', [refreshName]: '' })
    expect((await me()).status).toBe(401)
    expect((await auth.send('/auth/refresh', { json: { refreshToken: refresh } })).status).toBe(401)
  })

  it('leaves the other sessions of the account alone', async () => {
    const other = await logIn()
    await auth.send('/auth/logout', { method: 'POST', headers: { authorization: `Bearer ${access}` } })
    expect((await me(other.cookies[accessName])).status).toBe(200)
  })

  it('is fine without a session', async () => {
    expect((await auth.send('/auth/logout', { method: 'POST' })).status).toBe(204)
  })

  it('brings a person who pressed a button home', async () => {
    const headers = { cookie: `${accessName}=${access}`, 'sec-fetch-site': 'same-origin' }
    const answer = await auth.send('/auth/logout', { form: {}, headers })
    expect([answer.status, answer.headers.location]).toEqual([303, '/'])
    expect((await me()).status).toBe(401)
  })

  it('is refused from another site, and the session lives on', async () => {
    const headers = { cookie: `${accessName}=${access}`, 'sec-fetch-site': 'cross-site' }
    expect((await auth.send('/auth/logout', { form: {}, headers })).status).toBe(403)
    expect((await me()).status).toBe(200)
  })

  it('does not say it is done while the sessions are away', async () => {
    const sessions = { ...auth.sessions, end: () => Promise.reject(new Error('gone')) }
    await using broken = await openAuth({ sessions, tokens: auth.tokens })
    const headers = { authorization: `Bearer ${access}` }
    const answer = await broken.send('/auth/logout', { method: 'POST', headers })
    expect(answer.status).toBe(503)
    expect(answer.cookies).toEqual({})
  })
})

describe('GET /auth/me', () => {
  it('shows the account to its owner', async () => {
    expect((await me()).body).toEqual({
      id: '1',
      firstName: 'Ada',
      lastName: 'Lovelace',
      email: 'ada@example.org',
      role: 'user',
    })
  })

  it('asks strangers for a token, and says when the one they sent is no good', async () => {
    expect((await auth.send('/auth/me')).headers['www-authenticate']).toBe('Bearer realm="guichet"')
    const answer = await me('x.y.z')
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="guichet", error="invalid_token"')
  })
})

describe('GET /.well-known/jwks.json', () => {
  it('gives the keys that the tokens can be checked with', async () => {
    const { body } = await auth.send('/.well-known/jwks.json')
    const [key] = body.keys as Record<string, string>[]
    expect(key).not.toHaveProperty('d')
    const currentDate = new Date(auth.clock.now)
    const verified = await jwtVerify(access, await importJWK(key ?? {}), { currentDate })
    expect(verified.payload.sub).toBe('1')
    expect(verified.protectedHeader.kid).toBe(key?.kid)
  })
})
