import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { windowKey } from '../connections/redis-keys.ts'
import { callAtOnce, statuses } from './calls.ts'
import { type EchoApp, startEchoApp } from './echo-app.ts'
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts'
import { createDatabase } from './servers/mariadb.ts'
import { ada, addAccount, logIn, openTestGateway, temporaryDirectory } from './test-gateway.ts'

const grace = { ...ada, firstName: 'Grace', email: 'grace@etu.example' }
const sessions = new URL('/20', inject('redisUrl')).href

const config = {
  policies: {
    calls: { quota: 10, per: '10m', by: 'user' },
    wide: { quota: 50, per: '10m', by: 'user' },
    logins: { quota: 1000, per: '10m', by: 'account' },
  },
  routes: [
    { path: '/', upstream: 'app', access: 'public' },
    { path: '/api/vente', service: 'vente', upstream: 'app', access: 'connected', policies: ['calls'] },
    { path: '/api/achat', service: 'achat', upstream: 'app', access: 'connected', policies: ['wide'] },
  ],
}

describe('two gateways on one Redis and one MariaDB', () => {
  const opened = new AsyncDisposableStack()
  afterAll(() => opened.disposeAsync())
  let app: EchoApp
  let gateways: GatewayProcess[]
  let redis: Redis

  beforeAll(async () => {
    const { path: directory } = opened.use(await temporaryDirectory())
    app = opened.use(await startEchoApp())
    redis = new Redis(sessions)
    opened.defer(() => redis.disconnect())
    await redis.flushdb()
    const accounts = await createDatabase(inject('mysqlUrl'))
    const place = {
      upstream: app.url,
      directory,
      sessions,
      hits: new URL('/21', inject('redisUrl')).href,
      accounts,
      config,
    }
    // At once, on an empty database and an empty folder of keys, as a deployment starts them.
    gateways = await Promise.all(
      ['one', 'two'].map(async (name) => opened.use(await startGatewayProcess({ ...place, name }))),
    )
    await addAccount({ directory }, ada, accounts)
    await addAccount({ directory }, grace, accounts)
  })

  it('admit exactly 10 of 60 parallel calls of one user; the app saw those 10', async () => {
    const { authorization, account } = await logIn(gateways[0] as GatewayProcess)
    const before = app.seen.length
    const urls = gateways.map(({ url }) => `${url}/api/vente`)
    const answers = await callAtOnce(60, urls, authorization)
    expect(statuses(answers)).toEqual({ 200: 10, 429: 50 })
    expect(app.seen.length - before).toBe(10)
    expect(await redis.llen(windowKey(`u:${account.id}`, 'calls'))).toBe(10)
  })

  it('admit exactly 50 of 200 when the quota is 50, and do not count what they deny', async () => {
    const { authorization, account } = await logIn(gateways[1] as GatewayProcess, grace)
    const before = app.seen.length
    const urls = gateways.map(({ url }) => `${url}/api/achat`)
    const answers = await callAtOnce(200, urls, authorization)
    expect(statuses(answers)).toEqual({ 200: 50, 429: 150 })
    expect(app.seen.length - before).toBe(50)
    const key = windowKey(`u:${account.id}`, 'wide')
    const log = await redis.lrange(key, 0, -1)
    await callAtOnce(20, urls, authorization)
    expect(await redis.lrange(key, 0, -1)).toEqual(log)
  })
})

it('one gateway without servers admits exactly 10 of 60 parallel calls of each user', async () => {
  await using app = await startEchoApp()
  await using gateway = await openTestGateway({ upstream: app.url })
  await addAccount(gateway)
  await addAccount(gateway, grace)
  const people = await Promise.all([logIn(gateway), logIn(gateway, grace)])
  const answers = await Promise.all(
    people.map(({ authorization }) => callAtOnce(60, [`${gateway.url}/api/vente`], authorization)),
  )
  for (const ofOne of answers) expect(statuses(ofOne)).toEqual({ 200: 10, 429: 50 })
  expect(app.seen).toHaveLength(20)
})
