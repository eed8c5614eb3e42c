import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '../errors.ts'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'
import { createPasswordHashing } from './password-hashing.ts'

let auth: AuthBench
beforeAll(async () => {
  auth = await openAuth({ hashing: createPasswordHashing({ memoryKib: 64, passes: 1 }) })
  await auth.addAccount('off@example.org', 'the old password', false)
})
afterAll(() => auth[Symbol.asyncDispose]())

let number = 0
let email = ''
let accountId = ''
beforeEach(async () => {
  auth.sent.length = 0
  email = `ada${number++}@example.org`
  accountId = (await auth.addAccount(email, 'the old password')).id
})

const password = 'an entirely new phrase'
const forget = (address = email): Promise<Answer> => auth.send('/auth/forgot', { json: { email: address } })
const reset = (code: unknown, more = {}): Promise<Answer> =>
  auth.send('/auth/reset', { json: { email, code, password, ...more } })
const logIn = (given: string): Promise<Answer> =>
  auth.send('/auth/login', { json: { email, password: given } })

function codeSent(): string {
  const mail = auth.sent.findLast(({ to }) => to.email === email)?.mail
  if (mail?.kind !== 'password-reset') throw new Error(`no code was sent to ${email}`)
  return mail.code
}

const shown = ({ status, headers: { date: _date, ...headers }, text }: Answer) => ({
  status,
  headers,
  text: text.replace(/"requestId":"[^"]*"/, ''),
})

const wrongCode = { status: 400, body: { code: 'invalid-code' } }

describe('a forgotten password', () => {
  it('is replaced with the code from the mail; all sessions end, and the owner is told', async () => {
    const before = await logIn('the old password')
    expect((await forget(` ${email.toUpperCase()}`)).status).toBe(202)
    const code = codeSent()
    expect(auth.sent[0]).toEqual({
      to: { email, firstName: 'Ada', language: 'en' },
      mail: {
        kind: 'password-reset',
        code,
        link: `http://etu.example/auth/reset?email=${encodeURIComponent(email)}&code=${code}`,
      },
    })
    expect((await logIn('the old password')).status).toBe(200)

    const answer = await reset(code)
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect(auth.sent[1]).toMatchObject({ to: { email }, mail: { kind: 'password-changed' } })
    expect((await logIn('the old password')).status).toBe(401)
    const authorization = `Bearer ${before.body.accessToken}`
    expect((await auth.send('/auth/me', { headers: { authorization } })).status).toBe(401)
    expect((await logIn(password)).status).toBe(200)
    expect(await reset(code)).toMatchObject(wrongCode)
  })

  it('is asked for with the same answer by all, and mailed to the active alone', async () => {
    const answers = []
    for (const address of [email, 'nobody@example.org', 'off@example.org']) {
      answers.push(shown(await forget(address)))
    }
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(auth.sent.map(({ to }) => to.email)).toEqual([email])
  })

  it('is guessed at with the same answer, whoever the address belongs to', async () => {
    const addresses = [email, 'nobody@example.org', 'off@example.org', 'no address at all']
    for (const address of addresses) await forget(address)
    const right = codeSent()
    const guess = right === '000000' ? '000001' : '000000'
    const answers = []
    for (const address of addresses) answers.push(shown(await reset(guess, { email: address })))
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]?.status).toBe(400)
    expect((await reset(right)).status).toBe(204)
  })

  it('stays as it is when the account was disabled after the code was sent', async () => {
    await forget()
    await auth.accounts.update(accountId, { isActive: false })
    expect(await reset(codeSent())).toMatchObject(wrongCode)
    await auth.accounts.update(accountId, { isActive: true })
    expect((await logIn('the old password')).status).toBe(200)
  })

  it('has a code for five tries, ten minutes and one use', async () => {
    await forget()
    const tried = codeSent()
    const other = tried === '000000' ? '000001' : '000000'
    for (let i = 0; i < 5; i++) expect(await reset(other)).toMatchObject(wrongCode)
    expect(await reset(tried)).toMatchObject(wrongCode)

    await forget()
    const late = codeSent()
    auth.clock.now += 600_000
    expect(await reset(late)).toMatchObject(wrongCode)

    await forget()
    const answers = await Promise.all(Array.from({ length: 10 }, () => reset(codeSent())))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, ...Array(9).fill(400)])
  })

  it('is mailed five times an hour', async () => {
    for (let i = 0; i < 8; i++) expect((await forget()).status).toBe(202)
    expect(auth.sent).toHaveLength(5)
  })

  it('stays forgotten while the new one is too weak, and the code stays good', async () => {
    await forget()
    for (const weak of ['', 'short', 'password', 'x'.repeat(1025), '\ud800 lone surrogate']) {
      const answer = await reset(codeSent(), { password: weak })
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-body' } })
      expect(answer.body).toHaveProperty('problems.password')
    }
    expect((await reset(codeSent())).status).toBe(204)
  })

  it('keeps the code while too many passwords wait to be hashed', async () => {
    await forget()
    const hashPassword = () => Promise.reject(new GatewayError('overloaded', { retryAfterSeconds: 1 }))
    const { accounts, codes, oneTimeCodes } = auth
    await using busy = await openAuth({
      accounts,
      codes,
      oneTimeCodes,
      hashing: { ...auth.hashing, hashPassword },
    })
    const json = { email, code: codeSent(), password }
    expect((await busy.send('/auth/reset', { json })).status).toBe(503)
    expect((await reset(codeSent())).status).toBe(204)
  })

  it('takes a code for another address with it: who had the password may have asked for one', async () => {
    const change = {
      purpose: 'email-change',
      owner: accountId,
      codeHash: 'hash',
      payload: { email: 'eve@example.org' },
      issuedAtMs: auth.clock.now,
      expiresAtMs: auth.clock.now + 600_000,
    } as const
    await auth.codes.issue(change)
    await forget()
    await reset(codeSent())
    expect(await auth.codes.spend('email-change', accountId, 'hash', auth.clock.now)).toEqual({
      kind: 'wrong',
    })
  })

  it('is changed even where sessions could not be ended, and the answer says what to do', async () => {
    await forget()
    const endAll = () => Promise.reject(new Error('gone'))
    const { accounts, codes, oneTimeCodes } = auth
    await using limping = await openAuth({
      accounts,
      codes,
      oneTimeCodes,
      sessions: { ...auth.sessions, endAll },
    })
    const answer = await limping.send('/auth/reset', { json: { email, code: codeSent(), password } })
    expect(answer).toMatchObject({
      status: 503,
      body: { detail: expect.stringMatching(/Ask for a new code/) },
    })
    expect(limping.sent.at(-1)?.mail.kind).toBe('password-changed')
    expect((await logIn(password)).status).toBe(200)
  })
})

it('no other site asks, nor an address over its limit', async () => {
  const refused = () => Promise.reject(new GatewayError('quota-exceeded', { retryAfterSeconds: 42 }))
  await using limited = await openAuth({ admitLogin: refused })
  for (const path of ['/auth/forgot', '/auth/reset']) {
    const headers = { 'sec-fetch-site': 'cross-site' }
    expect((await auth.send(path, { json: {}, headers })).status).toBe(403)
    const json = { email, ...(path === '/auth/reset' && { code: '123456', password }) }
    const answer = await limited.send(path, { json })
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '42'])
  }
})

it('where no mails are sent nothing is there, and the login page does not lead to it', async () => {
  await using bench = await openAuth({ mails: null })
  for (const path of ['/auth/forgot', '/auth/reset']) {
    expect((await bench.send(path, { json: {} })).status).toBe(404)
    expect((await bench.send(path)).status).toBe(404)
  }
  expect((await bench.send('/auth/login')).text).not.toMatch(/forgot|register/)
  await using closed = await openAuth({ isRegistrationOpen: false })
  expect((await closed.send('/auth/login')).text).toMatch(/forgot/)
})

it.each(['findByEmail', 'issue', 'spend'] as const)(
  'without %s: 503 with a short Retry-After',
  async (name) => {
    const away = () => Promise.reject(new Error('connect ECONNREFUSED'))
    await using broken = await openAuth({
      accounts: { ...auth.accounts, ...(name === 'findByEmail' && { [name]: away }) },
      codes: { ...auth.codes, issue: away, spend: away },
    })
    const path = name === 'spend' ? '/auth/reset' : '/auth/forgot'
    const json = { email, ...(name === 'spend' && { code: '123456', password }) }
    const answer = await broken.send(path, { json })
    expect(answer).toMatchObject({ status: 503, body: { code: 'store-unavailable' } })
    expect(answer.headers['retry-after']).toBe('2')
  },
)
