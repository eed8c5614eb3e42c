import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type AuthBench, openAuth, type Sending } from '../test/identity/open-auth.ts'
import { createEmbeddedLoginDelays } from './login-delays.embedded.ts'

const password = ' the right password '

let auth: AuthBench
let id = ''
let people = 0
let email = ''
let access = ''
beforeAll(async () => {
  auth = await openAuth()
})
afterAll(() => auth[Symbol.asyncDispose]())
beforeEach(async () => {
  email = `ada${++people}@example.org`
  id = (await auth.addAccount(email, password)).id
  access = await logIn()
})

async function logIn(bench = auth, typed = { email, password }): Promise<string> {
  const { body, status } = await bench.send('/auth/login', { json: typed })
  return status === 200 ? String(body.accessToken) : ''
}
const call = (method: string, path: string, json?: unknown, more: Sending = {}, token = access) =>
  auth.send(path, {
    method,
    ...(json !== undefined && { json }),
    ...more,
    headers: { authorization: `Bearer ${token}`, ...more.headers },
  })
const isAlive = async (token: string): Promise<boolean> =>
  (await call('GET', '/auth/me', undefined, {}, token)).status === 200
const mailsTo = (address: string) =>
  auth.sent.filter(({ to }) => to.email === address).map(({ mail }) => mail)

const everyCall: [string, string, object][] = [
  ['PATCH', '/auth/me', { firstName: 'A' }],
  ['POST', '/auth/password', { currentPassword: password, newPassword: 'a newer password' }],
  ['DELETE', '/auth/me', { currentPassword: password }],
  ['POST', '/auth/me/email', { code: '000000' }],
]

it.each(everyCall)('%s %s needs a session that is alive', async (method, path, json) => {
  expect((await auth.send(path, { method, json })).status).toBe(401)
  await auth.sessions.endAll(id)
  expect((await call(method, path, json)).status).toBe(401)
  expect(await auth.accounts.findById(id)).toMatchObject({ firstName: 'Ada' })
})

it.each(everyCall)('%s %s is refused from another site', async (method, path, json) => {
  const headers = { 'sec-fetch-site': 'cross-site', cookie: `${auth.cookies.names.access}=${access}` }
  expect((await auth.send(path, { method, json, headers })).status).toBe(403)
})

describe('PATCH /auth/me', () => {
  it('changes names at once', async () => {
    const answer = await call('PATCH', '/auth/me', { firstName: '  Augusta ' })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ id, firstName: 'Augusta', lastName: 'Lovelace', email, role: 'user' })
    expect((await call('GET', '/auth/me')).body).toEqual(answer.body)
  })

  it.each([
    [{}, /Nothing to change/],
    [{ currentPassword: password }, /Nothing to change/],
    [{ firstName: ' ' }, /The name is empty/],
    [{ firstName: 7 }, /firstName is not a text/],
    [{ lastName: '\u202eecalevoL' }, /control character/],
    [{ lastName: 'a\0b' }, /control character/],
    [{ lastName: '𝒵'.repeat(101) }, /longer than 100/],
    [{ firstName: 'A', email: 'ada' }, /name@example\.org/],
    [{ email: 'josé@exаmple.org' }, /e-mail/],
    [{ role: 'admin' }, /Unknown field "role"/],
    [{ isActive: false }, /Unknown field/],
    [{ plan: 'gold' }, /Unknown field/],
    [{ email: 'new@example.org' }, /needs the current password/],
    [[], /not an object/],
  ])('%j is refused with the field and the cure, and nothing is changed', async (json, detail) => {
    const answer = await call('PATCH', '/auth/me', json)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ code: 'invalid-body', detail: expect.stringMatching(detail) })
    expect(await auth.accounts.findById(id)).toMatchObject({ firstName: 'Ada', email, role: 'user' })
  })

  it.each([
    "'; DROP TABLE utilisateurs; -- ",
    '<script>alert(1)</script>',
    '🦊👩‍👩‍👧‍👦',
    '%s%n{{7*7}}',
    'مرحبا',
  ])('keeps the name %s as it is', async (name) => {
    expect((await call('PATCH', '/auth/me', { lastName: name })).body).toMatchObject({
      lastName: name.trim(),
    })
  })
})

describe('POST /auth/password', () => {
  const change = (json: object, token = access) => call('POST', '/auth/password', json, {}, token)
  const good = { currentPassword: password, newPassword: ' a newer 🔑 password ' }

  it('gives the account the new password, exactly as typed, and the old one opens nothing', async () => {
    expect((await change(good)).status).toBe(204)
    expect(await logIn(auth, { email, password: good.newPassword })).not.toBe('')
    expect(await logIn(auth, { email, password: good.newPassword.trim() })).toBe('')
    expect(await logIn()).toBe('')
  })

  it('ends every other session, tokens still valid by date, and not the one that asks', async () => {
    const other = await logIn()
    expect((await change(good)).status).toBe(204)
    expect([await isAlive(access), await isAlive(other)]).toEqual([true, false])
  })

  it('tells the owner by mail', async () => {
    await change(good)
    expect(mailsTo(email)).toEqual([
      {
        kind: 'password-changed',
        resetLink: `http://etu.example/auth/forgot?${new URLSearchParams({ email })}`,
      },
    ])
  })

  it('with another current password changes nothing, and takes no place of the logins', async () => {
    const other = await logIn()
    const taken = auth.taken.length
    const answer = await change({ ...good, currentPassword: password.trim() })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="guichet"')
    expect(answer.body).toMatchObject({
      code: 'invalid-credentials',
      detail: expect.stringMatching(/current/),
    })
    expect(await isAlive(other)).toBe(true)
    expect(await logIn()).not.toBe('')
    expect(auth.taken.length).toBe(taken + 1)
    expect(mailsTo(email)).toEqual([])
  })

  it.each([
    ['short', /shorter than 8/],
    ['password', /most common/],
    ['x'.repeat(1025), /longer than 1024/],
  ])('refuses the new password %.10s', async (newPassword, detail) => {
    const answer = await change({ ...good, newPassword })
    expect(answer.status).toBe(400)
    expect(answer.body.detail).toMatch(detail)
    expect(await logIn()).not.toBe('')
  })

  it('of two at the same instant with the same current password one wins', async () => {
    const answers = await Promise.all(
      ['the first choice', 'the second choice'].map((newPassword) => change({ ...good, newPassword })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 401])
  })

  it('makes guessing the current password wait as failed logins do', async () => {
    const clock = { now: 0 }
    const delays = createEmbeddedLoginDelays({ now: () => clock.now })
    await using guarded = await openAuth({ loginDelays: delays })
    await guarded.addAccount(email, password)
    const token = await logIn(guarded)
    const guess = (currentPassword: string): Promise<Answer> =>
      guarded.send('/auth/password', {
        json: { ...good, currentPassword },
        headers: { authorization: `Bearer ${token}` },
      })
    const statuses: number[] = []
    for (let i = 0; i < 6; i++) statuses.push((await guess('wrong')).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
    expect((await guess(password)).status).toBe(429)
    clock.now += 60_000
    expect((await guess(password)).status).toBe(204)
  })

  it('says what happened when the other sessions could not be ended', async () => {
    const endAll = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7'))
    await using limping = await openAuth({
      accounts: auth.accounts,
      tokens: auth.tokens,
      sessions: { ...auth.sessions, endAll },
    })
    const headers = { authorization: `Bearer ${access}` }
    const answer = await limping.send('/auth/password', { json: good, headers })
    expect(answer.status).toBe(503)
    expect(answer.body.detail).toMatch(/is changed.*DELETE \/auth\/sessions/)
    expect(answer.text).not.toContain('10.0.0.7')
  })
})

describe('DELETE /auth/me', () => {
  it('removes the account with its sessions and cookies; the address is free again', async () => {
    const other = await logIn()
    await auth.accounts.recordLogin(id, auth.clock.now)
    const answer = await call('DELETE', '/auth/me', { currentPassword: password })
    expect(answer.status).toBe(204)
    expect(answer.cookies).toEqual({ [auth.cookies.names.access]: '', [auth.cookies.names.refresh]: '' })
    expect([await isAlive(access), await isAlive(other)]).toEqual([false, false])
    expect(await auth.accounts.findById(id)).toBeNull()
    expect(await auth.sessions.list(id)).toEqual([])
    expect((await auth.accounts.recentLogins(99)).some(({ account }) => account.id === id)).toBe(false)
    await auth.addAccount(email, password)
  })

  it('with another password removes nothing', async () => {
    expect((await call('DELETE', '/auth/me', { currentPassword: 'wrong' })).status).toBe(401)
    expect(await isAlive(access)).toBe(true)
  })

  it('without the password is told what to send', async () => {
    for (const json of [undefined, {}, { currentPassword: 7 }]) {
      const answer = await call('DELETE', '/auth/me', json)
      expect(answer.status).toBe(400)
      expect(answer.body.detail).toMatch(/Send \{"currentPassword"/)
    }
    expect(await isAlive(access)).toBe(true)
  })

  it('of an account that the app still refers to is a conflict, and everything stays', async () => {
    auth.database.exec(
      'CREATE TABLE articles (id INTEGER PRIMARY KEY, vendeur INTEGER REFERENCES utilisateurs (id))',
    )
    auth.database.exec(`INSERT INTO articles (vendeur) VALUES (${id})`)
    const answer = await call('DELETE', '/auth/me', { currentPassword: password })
    auth.database.exec('DROP TABLE articles')
    expect(answer.status).toBe(409)
    expect(answer.body.detail).toMatch(/Ask its operator/)
    expect(await isAlive(access)).toBe(true)
  })
})
