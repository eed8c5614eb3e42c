import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { call } from '../calls.ts'
import { startEchoApp } from '../echo-app.ts'
import { type MailServer, startMailServer } from '../servers/mail-server.ts'
import { createDatabase } from '../servers/mariadb.ts'
import {
  ada,
  addAccount,
  type LoggedIn,
  logIn,
  openTestGateway,
  type TestGateway,
  temporaryDirectory,
} from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
let here: TestGateway
let there: TestGateway
let mails: MailServer
let accounts = ''
let people = 0
const lines: string[] = []

beforeAll(async () => {
  mails = opened.use(await startMailServer())
  const app = opened.use(await startEchoApp())
  const { path: directory } = opened.use(await temporaryDirectory())
  const sessions = new URL('/72', inject('redisUrl')).href
  accounts = await createDatabase(inject('mysqlUrl'))
  const identity = { keysDirectory: join(directory, 'keys') }
  const config = { identity, mail: { smtp: mails.url } }
  const onLog = (line: string) => void lines.push(line)
  const options = { upstream: app.url, sessions, accounts, directory, config, onLog }
  here = opened.use(await openTestGateway(options))
  there = opened.use(await openTestGateway(options))
})

interface Person extends LoggedIn {
  readonly email: string
}

async function newcomer(): Promise<Person> {
  const email = `person${people++}@etu.example`
  await addAccount(here, { ...ada, email }, accounts)
  return { ...(await logIn(here, { ...ada, email })), email }
}

async function send(url: string, method: string, body: object | null, headers: object) {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(body !== null && { 'content-type': 'application/json' }) },
    ...(body !== null && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, text, body: text === '' ? null : JSON.parse(text) }
}

const own = (by: LoggedIn, method: string, path: string, body: object | null = null) =>
  send(`${here.url}${path}`, method, body, by.authorization)
const admin = (method: string, path: string, body: object | null = null) =>
  send(`${here.adminUrl}${path}`, method, body, { authorization: `Bearer ${here.adminToken}` })
const callThere = async ({ authorization }: LoggedIn): Promise<number> =>
  (await call(`${there.url}/api/vente`, authorization)).status

const currentPassword = ada.password
const ends: { name: string; end: (person: Person) => Promise<{ status: number }> }[] = [
  { name: 'its owner deleted it', end: (person) => own(person, 'DELETE', '/auth/me', { currentPassword }) },
  {
    name: 'its owner gave it another password from elsewhere',
    async end({ email }) {
      const elsewhere = await logIn(here, { ...ada, email })
      const changed = { currentPassword, newPassword: 'difference engine' }
      const answer = await own(elsewhere, 'POST', '/auth/password', changed)
      expect(await callThere(elsewhere)).toBe(200)
      return answer
    },
  },
  ...[{ isActive: false }, { password: 'difference engine' }, { role: 'admin' }].map((changes) => ({
    name: `an administrator sent ${JSON.stringify(changes)}`,
    end: ({ account }: Person) => admin('PATCH', `/api/accounts/${account.id}`, changes),
  })),
  {
    name: 'an administrator deleted it',
    end: ({ account }) => admin('DELETE', `/api/accounts/${account.id}`),
  },
  {
    name: 'an administrator ended its sessions',
    end: ({ account }) => admin('DELETE', `/api/accounts/${account.id}/sessions`),
  },
]

describe('tokens that are good by date pass no call of the other gateway', () => {
  test.each(ends)('once $name', async ({ end }) => {
    const person = await newcomer()
    expect(await callThere(person)).toBe(200)
    expect((await end(person)).status).toBeLessThan(300)
    expect(await callThere(person)).toBe(401)
    expect((await own(person, 'GET', '/auth/me')).status).toBe(401)
  })
})

test('an administrator sees a session and ends that one', async () => {
  const person = await newcomer()
  const other = await logIn(there, { ...ada, email: person.email })
  const { body } = await admin('GET', `/api/accounts/${person.account.id}/sessions`)
  expect(body.sessions).toHaveLength(2)
  const [newest] = body.sessions
  expect(newest).toMatchObject({ address: '127.0.0.1', openedAt: expect.stringMatching(/Z$/) })
  expect((await admin('DELETE', `/api/accounts/${person.account.id}/sessions/${newest.id}`)).status).toBe(204)
  expect([await callThere(person), await callThere(other)]).toEqual([200, 401])
})

test('an account made over the admin API logs in with the password that was told once', async () => {
  const made = await admin('POST', '/api/accounts', {
    ...{ firstName: 'Grace', lastName: 'Hopper', email: 'grace@etu.example', plan: 'gold' },
  })
  expect(made.status).toBe(201)
  const { id, email, password } = made.body
  await logIn(there, { email, password })
  const found = await admin('GET', '/api/accounts?search=HOPPER')
  expect(found.body.accounts).toMatchObject([{ id, plan: 'gold', lastLoginAt: expect.stringMatching(/Z$/) }])
  const trail = await admin('GET', '/api/audit?limit=1')
  expect(trail.body).toMatchObject([
    { via: 'admin API', action: 'create-account', subject: 'email:grace@etu.example' },
  ])
  expect(lines.join('\n')).not.toContain(password)
  expect((await admin('GET', '/api/audit')).text).not.toContain(password)
})

test('a new e-mail is confirmed by mail, and the address given up hears of it', async () => {
  const person = await newcomer()
  const email = `new-${person.email}`
  const asked = await own(person, 'PATCH', '/auth/me', { email, currentPassword })
  expect([asked.status, asked.body.pendingEmail]).toEqual([202, email])
  const { code = '', link } = await mails.waitForMailTo(email)
  expect(link).toBe(`http://localhost/auth/me/email?code=${code}`)
  expect((await own(person, 'POST', '/auth/me/email', { code })).body).toMatchObject({ email })
  expect((await mails.waitForMailTo(person.email)).text).toContain(email)
  await logIn(there, { ...ada, email })
})

test('who has deleted the account is named nowhere; the calls stay counted', async () => {
  const person = await newcomer()
  for (let i = 0; i < 3; i++) expect(await callThere(person)).toBe(200)
  const countOf = async (path: string) => (await admin('GET', path)).text.split(person.email).length - 1
  expect(await countOf('/api/stats/recent-logins')).toBe(1)
  expect((await own(person, 'DELETE', '/auth/me', { currentPassword })).status).toBe(204)
  const { id } = person.account
  await expect
    .poll(async () => (await admin('GET', `/api/calls?account=${id}`)).body, { timeout: 5_000 })
    .toMatchObject(Array(3).fill({ accountId: id, account: null, service: 'vente' }))
  const paths = ['recent-logins?limit=1000', 'top-logins?limit=1000', 'least-active?limit=1000', 'services']
  for (const path of paths) expect(await countOf(`/api/stats/${path}`), path).toBe(0)
  expect(await countOf('/api/calls')).toBe(0)
  expect(await countOf('/api/accounts')).toBe(0)
  expect((await admin('GET', '/api/audit')).text).not.toContain(person.email)
})
