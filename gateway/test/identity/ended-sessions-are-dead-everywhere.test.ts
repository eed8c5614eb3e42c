import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createRedisSessions } from '../../identity/sessions.redis.ts'
import type { Sessions } from '../../identity/sessions.ts'
import { openAccounts } from '../../open-stores.ts'
import { call } from '../calls.ts'
import { startEchoApp } from '../echo-app.ts'
import {
  ada,
  addAccount,
  type LoggedIn,
  logIn,
  openTestGateway,
  type TestGateway,
  temporaryDirectory,
} from '../test-gateway.ts'

const config = {
  policies: {
    calls: { quota: 3, per: '10m', by: 'user' },
    logins: { quota: 1000, per: '10m', by: 'account' },
  },
  routes: [{ path: '/api', upstream: 'app', access: 'connected', policies: ['calls'] }],
}

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
let here: TestGateway
let there: TestGateway
let sessions: Sessions
let people = 0

beforeAll(async () => {
  const { path: directory } = opened.use(await temporaryDirectory())
  const redisUrl = new URL('/71', inject('redisUrl')).href
  const redis = opened.adopt(new Redis(redisUrl), (client) => client.disconnect())
  await redis.flushdb()
  sessions = createRedisSessions(redis)
  const app = opened.use(await startEchoApp())
  const identity = { keysDirectory: join(directory, 'keys'), refreshGrace: '0s' }
  const options = { upstream: app.url, sessions: redisUrl, directory, config: { ...config, identity } }
  here = opened.use(await openTestGateway(options))
  there = opened.use(await openTestGateway(options))
})

interface Person extends LoggedIn {
  readonly email: string
}

async function newcomer(): Promise<Person> {
  const email = `ada-${people++}@etu.example`
  await addAccount(here, { ...ada, email })
  return { ...(await logIn(here, { ...ada, email })), email }
}

const again = ({ email }: Person): Promise<LoggedIn> => logIn(here, { ...ada, email })
const callThere = async ({ authorization }: LoggedIn): Promise<number> =>
  (await call(`${there.url}/api/x`, authorization)).status

async function auth(gateway: TestGateway, method: string, path: string, by: LoggedIn): Promise<number> {
  const response = await fetch(`${gateway.url}/auth/${path}`, { method, headers: by.authorization })
  await response.body?.cancel()
  return response.status
}

async function refresh(gateway: TestGateway, refreshToken: string): Promise<number> {
  const response = await fetch(`${gateway.url}/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refreshToken }),
  })
  await response.body?.cancel()
  return response.status
}

const secondsLeft = ({ accessToken }: LoggedIn): number => {
  const { exp } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
  return exp - Date.now() / 1000
}

/** Every way by which sessions end before their time. */
const ways: readonly { name: string; end: (person: Person) => Promise<unknown> }[] = [
  { name: 'a logout', end: (person) => auth(here, 'POST', 'logout', person) },
  {
    name: 'the end of all, as after a change of password',
    end: ({ account }) => sessions.endAll(account.id),
  },
  {
    name: 'the owner, from another session',
    end: async (person) => auth(here, 'DELETE', 'sessions', await again(person)),
  },
  {
    name: 'a refresh token that comes again',
    end: async ({ refreshToken }) => {
      await refresh(here, refreshToken)
      await refresh(here, refreshToken)
    },
  },
]

describe.each(ways)('after $name on one gateway, tokens that are good by date', ({ end }) => {
  it('pass no call of the other one (J7)', async () => {
    const person = await newcomer()
    expect(await callThere(person)).toBe(200)
    await end(person)
    expect(secondsLeft(person)).toBeGreaterThan(800)
    expect(await callThere(person)).toBe(401)
    expect(await auth(there, 'GET', 'me', person)).toBe(401)
    expect(await auth(there, 'GET', 'sessions', person)).toBe(401)
    expect(await refresh(there, person.refreshToken)).toBe(401)
  })

  it('are refused, not limited, where a denial of that caller is remembered', async () => {
    const person = await newcomer()
    for (const status of [200, 200, 200, 429, 429]) expect(await callThere(person)).toBe(status)
    await end(person)
    const statuses: number[] = []
    // The news need a moment; until it is heard the memory goes on denying, which admits nobody either.
    for (const startMs = performance.now(); performance.now() - startMs < 2_000; await sleep(5)) {
      statuses.push(await callThere(person))
      if (statuses.at(-1) === 401) break
    }
    expect(statuses.slice(0, -1).filter((status) => status !== 429)).toEqual([])
    expect(statuses.at(-1)).toBe(401)
  })
})

it('a session that was spared goes on everywhere', async () => {
  const person = await newcomer()
  const other = await again(person)
  const [, spared = ''] = other.refreshToken.split('.')
  expect(await sessions.endAll(person.account.id, { except: spared })).toBe(1)
  expect(await callThere(person)).toBe(401)
  expect(await callThere(other)).toBe(200)
  expect(await refresh(there, other.refreshToken)).toBe(200)
})

it('an account that was disabled cannot refresh anywhere, and its calls end with its sessions (J7)', async () => {
  const person = await newcomer()
  await using stores = new AsyncDisposableStack()
  const file = join(here.directory, 'guichet.sqlite')
  const accounts = await openAccounts({ kind: 'sqlite', file }, stores, pino({ level: 'silent' }))
  await accounts.home.update(person.account.id, { isActive: false })
  expect(await auth(there, 'GET', 'me', person)).toBe(401)
  expect(await refresh(there, person.refreshToken)).toBe(401)
  expect(await callThere(person)).toBe(401)
})

it('no other spelling of an ended session’s token is believed (J4)', async () => {
  const person = await newcomer()
  await auth(here, 'POST', 'logout', person)
  const { accessToken } = person
  const [head = '', claims = '', signature = ''] = accessToken.split('.')
  // The last character of an Ed25519 signature carries four bits that decode to nothing.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(signature.at(-1) as string)
  const unusedBits = `${head}.${claims}.${signature.slice(0, -1)}${alphabet[last ^ 1]}`
  for (const spelling of [accessToken, `${accessToken}=`, ` ${accessToken}`, `${accessToken} `, unusedBits]) {
    expect(await callThere({ ...person, authorization: { authorization: `Bearer ${spelling}` } })).toBe(401)
  }
})
