import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { call } from '../calls.ts'
import { startEchoApp } from '../echo-app.ts'
import { type MailServer, startMailServer } from '../servers/mail-server.ts'
import { createDatabase, type PrivateMariadb, startMariadb } from '../servers/mariadb.ts'
import { logIn, openTestGateway, type TestGateway, temporaryDirectory } from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
let here: TestGateway
let there: TestGateway
let mails: MailServer
let mariadb: PrivateMariadb
let people = 0

const perAddress = 40

/** Two gateways on one MariaDB, one Redis and one mail server. */
beforeAll(async () => {
  const sessions = new URL('/73', inject('redisUrl')).href
  const redis = new Redis(sessions)
  await redis.flushdb()
  redis.disconnect()
  const { path: directory } = opened.use(await temporaryDirectory())
  const app = opened.use(await startEchoApp())
  mails = opened.use(await startMailServer())
  mariadb = opened.use(await startMariadb({ args: ['--innodb-flush-log-at-trx-commit=1'] }))
  const accounts = await createDatabase(mariadb.url())
  const config = {
    listen: { host: '127.0.0.1', port: 0, publicUrl: 'http://localhost', trustedProxies: '127.0.0.1' },
    identity: { keysDirectory: join(directory, 'keys') },
    mail: { smtp: mails.url },
    policies: { addresses: { quota: perAddress, per: '10m', by: 'address' } },
    login: { policies: ['addresses'] },
    routes: [{ path: '/api', upstream: 'app', access: 'connected' }],
  }
  const options = { upstream: app.url, sessions, accounts, directory, config }
  here = opened.use(await openTestGateway(options))
  there = opened.use(await openTestGateway(options))
})

interface Person {
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  readonly password: string
}

function somebody(): Person {
  const email = `zoe-${people++}@etu.example`
  return { firstName: 'Zoé', lastName: 'Durand', email, password: 'quatre mots bien longs' }
}

/** From an address of one's own, so that tests do not count against each other. */
const post = (
  gateway: TestGateway,
  path: string,
  body: object,
  address = `10.0.0.${people}`,
): Promise<Response> =>
  fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
    body: JSON.stringify(body),
  })

async function codeTo({ email }: Person): Promise<string> {
  const { code } = await mails.waitForMailTo(email)
  if (code === undefined) throw new Error(`the mail to ${email} has no code`)
  return code
}

test('a code from one gateway is good at every other, and of ten who bring it at once one gets the account', async () => {
  const zoe = somebody()
  expect((await post(here, '/auth/register', zoe)).status).toBe(202)
  const { code = '', link = '', text, html } = await mails.waitForMailTo(zoe.email)
  expect(text).toContain('Zoé')
  expect(html).toContain(code)
  // What a scanner of mails does.
  const { pathname, search } = new URL(link)
  for (let i = 0; i < 3; i++) expect((await fetch(there.url + pathname + search)).status).toBe(200)

  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      post(i % 2 ? here : there, '/auth/activate', { email: zoe.email, code }),
    ),
  )
  expect(answers.map(({ status }) => status).toSorted()).toEqual([204, ...Array(9).fill(400)])
  expect(await logIn(there, zoe)).toMatchObject({ account: { firstName: 'Zoé', role: 'user' } })
})

test('a password that was reset at one gateway ends the sessions at all', async () => {
  const zoe = somebody()
  await post(here, '/auth/register', zoe)
  await post(here, '/auth/activate', { email: zoe.email, code: await codeTo(zoe) })
  const sessions = [await logIn(here, zoe), await logIn(there, zoe)]
  for (const { authorization } of sessions) {
    for (const gateway of [here, there]) {
      expect((await call(`${gateway.url}/api`, authorization)).status).toBe(200)
    }
  }
  expect((await post(here, '/auth/forgot', { email: zoe.email })).status).toBe(202)
  const password = 'an entirely new phrase'
  const reset = { email: zoe.email, code: await codeTo(zoe), password }
  expect((await post(there, '/auth/reset', reset)).status).toBe(204)
  expect((await mails.waitForMailTo(zoe.email)).code).toBe(undefined)

  for (const { authorization } of sessions) {
    for (const gateway of [here, there]) {
      expect((await call(`${gateway.url}/api`, authorization)).status).toBe(401)
    }
  }
  await logIn(here, { ...zoe, password })
  await expect(logIn(here, zoe)).rejects.toThrow(/401/)
})

test('one address has so many mails sent as it may try to log in, on all gateways together', async () => {
  people++
  const asked = await Promise.all(
    Array.from({ length: perAddress + 10 }, (_, i) =>
      post(i % 2 ? here : there, '/auth/forgot', { email: `victim-${i}@etu.example` }, '192.0.2.7'),
    ),
  )
  const statuses = asked.map(({ status }) => status)
  expect(statuses.filter((status) => status === 202)).toHaveLength(perAddress)
  const denied = asked.find(({ status }) => status === 429)
  expect(Number(denied?.headers.get('retry-after'))).toBeGreaterThan(500)
})

test('while MySQL is away they say when to come back, and all goes on afterwards', async () => {
  const zoe = somebody()
  const { email, password } = zoe
  await mariadb.kill()
  const calls: [string, object][] = [
    ['/auth/register', zoe],
    ['/auth/activate', { email, code: '123456' }],
    ['/auth/activate/resend', { email }],
    ['/auth/forgot', { email }],
    ['/auth/reset', { email, code: '123456', password }],
  ]
  for (const [path, body] of calls) {
    const startedAtMs = performance.now()
    const answer = await post(here, path, body)
    expect(performance.now() - startedAtMs).toBeLessThan(2_900)
    expect([path, answer.status]).toEqual([path, 503])
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json\b/)
    expect(answer.headers.get('retry-after')).toMatch(/^[12]$/)
    expect(await answer.json()).toMatchObject({ code: 'store-unavailable' })
  }
  await mariadb.restart()
  await expect
    .poll(async () => (await post(here, '/auth/register', zoe)).status, { timeout: 5_000 })
    .toBe(202)
  expect((await post(there, '/auth/activate', { email, code: await codeTo(zoe) })).status).toBe(204)
})
