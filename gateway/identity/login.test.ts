import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GatewayError } from '../errors.ts'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'

let auth: AuthBench
beforeAll(async () => {
  auth = await openAuth()
  await auth.addAccount('ada@example.org', ' naïve 🔑 pass\u0000word ')
  await auth.addAccount('off@example.org', 'the right password', false)
})
afterAll(() => auth[Symbol.asyncDispose]())

const ada = { email: 'ada@example.org', password: ' naïve 🔑 pass\u0000word ' }
const logIn = (json: unknown, headers = {}): Promise<Answer> => auth.send('/auth/login', { json, headers })

describe('POST /auth/login', () => {
  it('answers the tokens and the account, and sets both cookies for who may see them only', async () => {
    const answer = await logIn(ada)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      expiresInSeconds: 900,
      refreshToken: expect.stringMatching(/^1\.[\w-]{24}\.[\w-]{43}$/),
      account: { id: '1', firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.org', role: 'user' },
    })
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
    expect(answer.headers['set-cookie']).toEqual([
      `__Host-guichet-access=${answer.body.accessToken}; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure`,
      `__Secure-guichet-refresh=${answer.body.refreshToken}; Path=/auth; Max-Age=43200; HttpOnly; SameSite=Lax; Secure`,
    ])
  })

  it('uses cookies without prefixes over plain http, still out of the reach of scripts', async () => {
    await using demo = await openAuth({ isSecure: false })
    await demo.addAccount('a@example.org', 'a fine password')
    const answer = await demo.send('/auth/login', {
      json: { email: 'a@example.org', password: 'a fine password' },
    })
    expect(Object.keys(answer.cookies)).toEqual(['guichet_access', 'guichet_refresh'])
    for (const line of answer.headers['set-cookie'] ?? []) expect(line).toMatch(/HttpOnly; SameSite=Lax$/)
  })

  it('opens a session with an id of its own each time, whatever was sent along (L7)', async () => {
    const first = await logIn(ada)
    const second = await logIn(ada, { cookie: cookieOf(first) })
    const [one, other] = [first, second].map((answer) => String(answer.body.refreshToken).split('.')[1])
    expect(one).not.toBe(other)
    expect(await auth.sessions.isAlive('1', other ?? '')).toBe(true)
  })

  it('ends the session that the browser came with, whose cookies are replaced, and no other (ASVS 7.2.4)', async () => {
    const elsewhere = await logIn(ada)
    const sessionOf = ({ body }: Answer) => String(body.refreshToken).split('.')[1] ?? ''
    for (const cookie of ['__Host-guichet-access', '__Secure-guichet-refresh']) {
      const first = await logIn(ada)
      await logIn({ ...ada, password: 'x' }, { cookie: `${cookie}=${first.cookies[cookie]}` })
      expect(await auth.sessions.isAlive('1', sessionOf(first))).toBe(true)
      await logIn(ada, { cookie: `${cookie}=${first.cookies[cookie]}` })
      expect(await auth.sessions.isAlive('1', sessionOf(first))).toBe(false)
    }
    expect(await auth.sessions.isAlive('1', sessionOf(elsewhere))).toBe(true)
  })

  it('knows the e-mail in any of its spellings, and asks the limits about the one the accounts know', async () => {
    expect((await logIn({ ...ada, email: '  ADA@Example.ORG ' })).status).toBe(200)
    expect(auth.asked.at(-1)).toEqual({ email: 'ada@example.org', address: '127.0.0.1' })
  })

  it.each([
    ['without its spaces', ada.password.trim()],
    ['composed otherwise', ada.password.normalize('NFD')],
    ['cut at the NUL', ' naïve 🔑 pass'],
    ['in capitals', ada.password.toUpperCase()],
  ])('takes a password exactly as typed, not %s (L5)', async (_, password) => {
    expect((await logIn({ ...ada, password })).status).toBe(401)
  })

  it('gives the unknown, the mistaken and the disabled the same answer (L1)', async () => {
    const answers = [
      await logIn({ email: 'nobody@example.org', password: 'x' }),
      await logIn({ email: 'not an e-mail', password: 'x' }),
      await logIn({ ...ada, password: 'x' }),
      await logIn({ ...ada, password: 'x'.repeat(5_000) }),
      await logIn({ email: 'off@example.org', password: 'the right password' }),
      await logIn({ email: 'off@example.org', password: 'x' }),
    ]
    const shown = answers.map(({ status, headers, body }) => {
      const { date: _date, ...others } = headers
      return { status, headers: others, body: { ...body, requestId: '' } }
    })
    expect(shown[0]?.status).toBe(401)
    expect(shown[0]?.body).toMatchObject({ code: 'invalid-credentials' })
    expect(shown[0]?.headers['set-cookie']).toBe(undefined)
    for (const answer of shown) expect(answer).toEqual(shown[0])
  })

  it('of the disabled is no success that was taken back: nothing makes up for its failures, nobody has logged in', async () => {
    expect((await logIn({ email: 'off@example.org', password: 'the right password' })).status).toBe(401)
    expect(auth.taken).not.toContain('off@example.org')
    const logins = await auth.accounts.recentLogins(100)
    expect(logins.map(({ account }) => account.email)).not.toContain('off@example.org')
  })

  it('counts every attempt by how it ended', async () => {
    auth.results.length = 0
    await logIn(ada)
    await logIn({ ...ada, password: 'x' })
    await logIn({ email: 'ada@example.org' })
    expect(auth.results).toEqual(['accepted', 'refused'])
  })

  it('rehashes a password that an older app kept as plain text', async () => {
    const account = await auth.addAccount('old@example.org', 'irrelevant')
    await auth.accounts.setPasswordHash(account.id, 'plain old text')
    const old = { email: 'old@example.org', password: 'plain old text' }
    expect((await logIn(old)).status).toBe(200)
    expect((await auth.accounts.findByEmail('old@example.org'))?.storedPassword).toMatch(/^\$argon2id\$/)
    expect((await logIn(old)).status).toBe(200)
  })
})

describe('a body', () => {
  it.each([
    [{ email: 'a@example.org' }, /password missing/],
    [{ email: 7, password: 'x' }, /email is not a text/],
    [{ email: '', password: 'x' }, /email is empty/],
    [{ ...ada, isAdmin: true }, /Unknown field "isAdmin"/],
    [{ email: { $gt: '' }, password: 'x' }, /email is not a text/],
    [[], /not an object/],
    ['text', /not an object/],
    [null, /not an object/],
  ])('%j is refused with the field and the cure', async (json, detail) => {
    const answer = await logIn(json)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ code: 'invalid-body', detail: expect.stringMatching(detail) })
    expect(String(answer.body.detail)).toMatch(/Send \{"email"/)
  })

  it.each([
    ['{', 400],
    ['{"email":"a@example.org","password":"x","__proto__":{"isActive":true}}', 400],
    ['{"constructor":{"prototype":{"x":1}},"email":"a","password":"x"}', 400],
    [`{"email":"${'x'.repeat(17_000)}"}`, 413],
  ])('%.60s is refused with %i', async (text, status) => {
    const headers = { 'content-type': 'application/json' }
    expect((await auth.send('/auth/login', { text, headers })).status).toBe(status)
    expect(({} as Record<string, unknown>).x).toBe(undefined)
  })

  it.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/jsonp'])(
    'of type %s is refused, since a form of another site can send it',
    async (type) => {
      const headers = { 'content-type': type }
      const answer = await auth.send('/auth/login', { text: JSON.stringify(ada), headers })
      expect(answer.status).toBe(415)
    },
  )

  it.each([
    '\u0000',
    '🦄'.repeat(100),
    '\u202egro.elpmaxe@ada',
    "' OR 1=1 --",
    '<script>alert(1)</script>',
    '%s%n%x',
    '\ud800',
    'ada@example.org\u200b',
    'а'.repeat(300),
  ])('with %j in every field is a plain refusal', async (text) => {
    expect((await logIn({ email: text, password: text })).status).toBe(401)
  })
})

describe('a login from elsewhere (L8)', () => {
  it.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'same-origin, cross-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1' },
    { origin: 'http://127.0.0.1.evil.example' },
  ])('is refused: %j', async (headers) => {
    const { email, password } = ada
    for (const body of [{ json: ada }, { form: { email, password } }]) {
      const answer = await auth.send('/auth/login', { ...body, headers })
      expect(answer.status).toBe(403)
      expect(answer.cookies).toEqual({})
    }
  })

  it('is a login from here, from the address bar, or from a program', async () => {
    const own = { origin: auth.url }
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }, own, {}]) {
      expect((await logIn(ada, headers)).status).toBe(200)
    }
  })
})

describe('when something is away', () => {
  const away = () => Promise.reject(new Error('connect ECONNREFUSED'))

  it('a login without the accounts is 503 with a short Retry-After, and says nothing of the inside', async () => {
    await using broken = await openAuth({
      accounts: { ...auth.accounts, findByEmail: away },
    })
    const answer = await broken.send('/auth/login', { json: ada })
    expect(answer.status).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(2)
    expect(answer.text).not.toMatch(/ECONNREFUSED/)
    expect(broken.results).toEqual(['failed'])
  })

  it('a login that cannot be counted or rehashed is a login all the same', async () => {
    await using limping = await openAuth({
      accounts: { ...auth.accounts, recordLogin: away, setPasswordHash: away },
    })
    const account = await auth.addAccount('limping@example.org', 'irrelevant')
    await auth.accounts.setPasswordHash(account.id, 'plain old text')
    const json = { email: 'limping@example.org', password: 'plain old text' }
    expect((await limping.send('/auth/login', { json })).status).toBe(200)
  })

  it('a login over the limit is not even looked up', async () => {
    await using limited = await openAuth({
      accounts: { ...auth.accounts, findByEmail: away },
      admitLogin: async () => {
        throw new GatewayError('quota-exceeded', { retryAfterSeconds: 42 })
      },
    })
    const answer = await limited.send('/auth/login', { json: ada })
    expect(answer.status).toBe(429)
    expect(answer.headers['retry-after']).toBe('42')
    expect(limited.results).toEqual(['limited'])
  })
})

function cookieOf({ cookies }: Answer): string {
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}
