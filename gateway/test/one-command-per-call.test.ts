import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { hitsKey } from '../connections/redis-keys.ts'
import { call, metricsOf, statuses, sumOf } from './calls.ts'
import { type EchoApp, startEchoApp } from './echo-app.ts'
import { ada, addAccount, logIn, openTestGateway, type TestGateway } from './test-gateway.ts'

const place = (db: number): string => new URL(`/${db}`, inject('redisUrl')).href
const [sessionsDb, hitsDb] = [22, 23]

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
const client = (db: number): Redis => {
  const redis = new Redis(place(db))
  opened.defer(() => redis.disconnect())
  return redis
}
let app: EchoApp
let gateway: TestGateway
let sessions: Redis
let hits: Redis

beforeAll(async () => {
  sessions = client(sessionsDb)
  hits = client(hitsDb)
  await Promise.all([sessions.flushdb(), hits.flushdb()])
  app = opened.use(await startEchoApp())
  gateway = opened.use(
    await openTestGateway({ upstream: app.url, sessions: place(sessionsDb), hits: place(hitsDb) }),
  )
  await addAccount(gateway)
})

/** What clients send to one database while `act` runs; what scripts do inside is not a round trip. */
async function watching(db: number, act: () => Promise<unknown>): Promise<string[][]> {
  const monitor = await sessions.monitor()
  const commands: string[][] = []
  const ends = Promise.withResolvers<void>()
  monitor.on('monitor', (_time: string, args: string[], source: string, from: string) => {
    if (args[1] === 'the end') ends.resolve()
    else if (from === String(db) && source !== 'lua') commands.push(args)
  })
  try {
    await act()
    await sessions.echo('the end')
    await ends.promise
  } finally {
    monitor.disconnect()
  }
  return commands
}

it('an admitted call costs the sessions one EVALSHA and nothing else, and a known denial nothing at all', async () => {
  const { authorization } = await logIn(gateway)
  const answers: Awaited<ReturnType<typeof call>>[] = []
  const commands = await watching(sessionsDb, async () => {
    for (let i = 0; i < 12; i++) answers.push(await call(`${gateway.url}/api/vente`, authorization))
  })
  expect(statuses(answers)).toEqual({ 200: 10, 429: 2 })
  expect(commands.map(([name]) => name?.toUpperCase())).toEqual(Array(11).fill('EVALSHA'))
})

it('a call without a session, or with a forged one, costs none', async () => {
  const commands = await watching(sessionsDb, async () => {
    for (const headers of [{}, { authorization: 'Bearer e30.e30.e30' }] as Record<string, string>[]) {
      expect(await call(`${gateway.url}/api/vente`, headers)).toMatchObject({ status: 401 })
    }
    expect(await call(`${gateway.url}/`)).toMatchObject({ status: 200 })
  })
  expect(commands).toEqual([])
})

it('the database of hits holds what was admitted, a moment later, by service and by account', async () => {
  await expect.poll(async () => sumOf(await metricsOf(gateway), 'guichet_hits_pending')).toBe(0)
  await hits.flushdb()
  const grace = { ...ada, email: 'grace@etu.example' }
  await addAccount(gateway, grace)
  const { authorization, account } = await logIn(gateway, grace)
  for (const path of ['vente', 'vente', 'achat', 'vente'])
    await call(`${gateway.url}/api/${path}`, authorization)
  await expect
    .poll(() => hits.hgetall(hitsKey.services), { timeout: 2_000 })
    .toEqual({ vente: '3', achat: '1' })
  expect(await hits.zrange(hitsKey.accounts, '0', '-1', 'WITHSCORES')).toEqual([account.id, '4'])
  expect(await hits.llen(hitsKey.recent)).toBe(4)
  expect((await sessions.keys('*')).filter((key) => key.includes('{hits}'))).toEqual([])
})
