import { describe, expect, it } from 'vitest'
import { type Answer, type AuthBench, openAuth } from '../test/identity/open-auth.ts'
import { createEmbeddedLoginDelays } from './login-delays.embedded.ts'
import { accountDelays, addressDelays } from './login-delays.ts'

const ada = { email: 'ada@example.org', password: 'the right password' }
const off = { email: 'off@example.org', password: 'the right password' }
const wrong = (email: string) => ({ email, password: 'a wrong password' })
const minuteMs = 60_000

/** Comes from another address with each call, unless told which. */
async function openSlow() {
  const clock = { nowMs: 0 }
  let others = 0
  const from = { address: '' }
  const auth = await openAuth({
    loginDelays: createEmbeddedLoginDelays({ now: () => clock.nowMs }),
    networkOf: () => from.address || `a:${others++}`,
  })
  await auth.addAccount(ada.email, ada.password)
  await auth.addAccount(off.email, off.password, false)
  const logIn = (json: object): Promise<Answer> => auth.send('/auth/login', { json })
  const fail = async (email: string, times: number): Promise<void> => {
    for (let time = 0; time < times; time++) expect((await logIn(wrong(email))).status).toBe(401)
  }
  return { auth, clock, from, logIn, fail, [Symbol.asyncDispose]: () => auth[Symbol.asyncDispose]() }
}

describe('guesses at one account from many addresses (L3)', () => {
  it('wait longer and longer, told by Retry-After, and nothing is hashed meanwhile', async () => {
    await using bench = await openSlow()
    await bench.fail(ada.email, accountDelays.freeAttempts)
    const early = await bench.logIn(ada)
    expect(early.status).toBe(429)
    expect(early.headers['retry-after']).toBe('1')
    expect(early.body).toMatchObject({ code: 'too-many-attempts', retryAfterSeconds: 1 })
    bench.clock.nowMs += 999
    expect((await bench.logIn(ada)).status).toBe(429)
    bench.clock.nowMs += 1
    await bench.fail(ada.email, 1)
    expect((await bench.logIn(ada)).headers['retry-after']).toBe('2')
    expect(bench.auth.results.filter((result) => result === 'limited')).toHaveLength(3)
  })

  it('never keep the owner away for longer than a minute, and not at all while logged in', async () => {
    await using bench = await openSlow()
    const { cookies } = await bench.logIn(ada)
    for (let guess = 0; guess < 50; guess++) {
      await bench.logIn(wrong(ada.email))
      bench.clock.nowMs += accountDelays.longestDelayMs
    }
    await bench.logIn(wrong(ada.email))
    const early = await bench.logIn(ada)
    expect(Number(early.headers['retry-after'])).toBeLessThan(60)
    const cookie = Object.entries(cookies)
      .map(([name, value]) => `${name}=${value}`)
      .join('; ')
    expect((await bench.auth.send('/private', { headers: { cookie } })).status).toBe(200)
    bench.clock.nowMs += accountDelays.longestDelayMs
    expect((await bench.logIn(ada)).status).toBe(200)
  })

  it('pass no faster when they come all at once', async () => {
    await using bench = await openSlow()
    const answers = await Promise.all(Array.from({ length: 40 }, () => bench.logIn(wrong(ada.email))))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(accountDelays.freeAttempts)
  })

  it('are delayed alike whether the account exists, is disabled, or could not be one (L1)', async () => {
    await using bench = await openSlow()
    const emails = [ada.email, off.email, 'nobody@example.org', 'not an e-mail']
    const shown: unknown[] = []
    for (const email of emails) {
      await bench.fail(email, accountDelays.freeAttempts)
      const { status, headers, body } = await bench.logIn({ email, password: ada.password })
      const { date: _date, ...others } = headers
      shown.push({ status, headers: others, body: { ...body, requestId: '' } })
    }
    for (const answer of shown) expect(answer).toEqual(shown[0])
  })
})

describe('guesses at many accounts from one address (L3)', () => {
  it('wait, and so does everyone there, also after a login of one of them', async () => {
    await using bench = await openSlow()
    bench.from.address = 'a:192.0.2.1'
    for (let guess = 0; guess < addressDelays.freeAttempts; guess++)
      await bench.fail(`${guess}@example.org`, 1)
    expect((await bench.logIn(ada)).status).toBe(429)
    bench.clock.nowMs += addressDelays.firstDelayMs
    expect((await bench.logIn(ada)).status).toBe(200)
    expect((await bench.logIn(wrong('another@example.org'))).status).toBe(429)
    bench.from.address = 'a:192.0.2.2'
    expect((await bench.logIn(ada)).status).toBe(200)
  })

  it('do not count against accounts that the address may not even try', async () => {
    await using bench = await openSlow()
    bench.from.address = 'a:192.0.2.1'
    for (let guess = 0; guess < addressDelays.freeAttempts; guess++)
      await bench.fail(`${guess}@example.org`, 1)
    for (let guess = 0; guess < 20; guess++) expect((await bench.logIn(wrong(ada.email))).status).toBe(429)
    bench.from.address = 'a:192.0.2.2'
    await bench.fail(ada.email, accountDelays.freeAttempts)
  })

  it('that come too early for one account leave the address as it was', async () => {
    await using bench = await openSlow()
    bench.from.address = 'a:192.0.2.1'
    await bench.fail(ada.email, accountDelays.freeAttempts)
    for (let guess = 0; guess < 100; guess++) expect((await bench.logIn(wrong(ada.email))).status).toBe(429)
    await bench.fail('bob@example.org', 1)
  })
})

it('a success makes up for all failures of its account', async () => {
  await using bench = await openSlow()
  for (let day = 0; day < 3; day++) {
    await bench.fail(ada.email, accountDelays.freeAttempts - 1)
    expect((await bench.logIn(ada)).status).toBe(200)
  }
})

it('an attempt whose password nobody could look at is none', async () => {
  const away = () => Promise.reject(new Error('connect ECONNREFUSED'))
  const loginDelays = createEmbeddedLoginDelays({ now: () => 0 })
  await using auth: AuthBench = await openAuth({ loginDelays })
  await using broken = await openAuth({ loginDelays, accounts: { ...auth.accounts, findByEmail: away } })
  for (let attempt = 0; attempt < 30; attempt++) {
    expect((await broken.send('/auth/login', { json: ada })).status).toBe(503)
  }
  await auth.addAccount(ada.email, ada.password)
  expect((await auth.send('/auth/login', { json: ada })).status).toBe(200)
})

it('the page says when to come back', async () => {
  await using bench = await openSlow()
  await bench.fail(ada.email, accountDelays.freeAttempts)
  const form = { ...ada, lang: 'fr' }
  const answer = await bench.auth.send('/auth/login', { form })
  expect(answer.status).toBe(429)
  expect(answer.headers['retry-after']).toBe('1')
  expect(answer.text).toContain('Réessayez dans 1 s.')
  bench.clock.nowMs += minuteMs
  expect((await bench.auth.send('/auth/login', { form })).status).toBe(303)
})
