import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRedisCluster } from '../connections/redis-cluster.ts'
import { windowKey } from '../connections/redis-keys.ts'
import { call, callAtOnce, keepCalling, metricsOf, statuses, sumOf } from './calls.ts'
import { type EchoApp, startEchoApp } from './echo-app.ts'
import { type RedisCluster, startRedisCluster } from './servers/redis-cluster.ts'
import {
  ada,
  addAccount,
  type LoggedIn,
  logIn,
  openTestGateway,
  type TestGateway,
  temporaryDirectory,
} from './test-gateway.ts'

const config = {
  policies: {
    calls: { quota: 10, per: '10m', by: 'user' },
    addresses: { quota: 1_000, per: '10m', by: 'address' },
    many: { quota: 100_000, per: '10m', by: 'user', whenStoreIsDown: 'closed' },
    logins: { quota: 1000, per: '10m', by: 'account' },
  },
  routes: [
    { path: '/', upstream: 'app', access: 'public' },
    { path: '/api', upstream: 'app', access: 'connected', policies: ['calls', 'addresses'] },
    { path: '/many', upstream: 'app', access: 'connected', policies: ['many'] },
  ],
}

describe('two gateways on a Redis Cluster of three nodes', () => {
  const opened = new AsyncDisposableStack()
  afterAll(() => opened.disposeAsync())
  let app: EchoApp
  let server: RedisCluster
  let cluster: Cluster
  let gateways: [TestGateway, TestGateway]
  let people = 0

  beforeAll(async () => {
    const { path: directory } = opened.use(await temporaryDirectory())
    app = opened.use(await startEchoApp())
    server = opened.use(await startRedisCluster())
    cluster = opened.use(await openRedisCluster(server.url, { deadlineMs: 5_000 })).redis
    const database = `sqlite:${join(directory, 'guichet.sqlite')}`
    // Long, so that a busy machine is not taken for a slot that was lost.
    const stores = { sessions: server.url, hits: database, accounts: database, deadline: '3s' }
    const open = async () =>
      opened.use(await openTestGateway({ upstream: app.url, directory, config: { ...config, stores } }))
    gateways = [await open(), await open()]
  })

  async function newcomer(): Promise<LoggedIn> {
    const person = { ...ada, email: `ada-${people++}@etu.example` }
    await addAccount(gateways[0], person)
    return logIn(gateways[0], person)
  }

  it('admit exactly 10 of 60 parallel calls, and count none of the denied ones by address either', async () => {
    const [one, other] = [await newcomer(), await newcomer()]
    const urls = gateways.map(({ url }) => `${url}/api/x`)
    const addressKey = windowKey('a:127.0.0.1', 'addresses')
    const before = await cluster.llen(addressKey)
    for (const { authorization, account } of [one, other]) {
      const answers = await callAtOnce(60, urls, authorization)
      expect(statuses(answers)).toEqual({ 200: 10, 429: 50 })
      expect(await cluster.llen(windowKey(`u:${account.id}`, 'calls'))).toBe(10)
    }
    expect((await cluster.llen(addressKey)) - before).toBe(20)
  })

  it('refuse a session on both as soon as it was ended on one', async () => {
    const { authorization } = await newcomer()
    const [here, there] = gateways
    expect(await call(`${there.url}/api/x`, authorization)).toMatchObject({ status: 200 })
    await fetch(`${here.url}/auth/logout`, { method: 'POST', headers: authorization })
    expect(await call(`${there.url}/api/x`, authorization)).toMatchObject({ status: 401 })
  })

  it('fail no call while its slot moves from node to node, and count exactly what they admit', async () => {
    const callers = [await newcomer(), await newcomer(), await newcomer()]
    await using loads = new AsyncDisposableStack()
    const load = callers.map(({ authorization }, i) =>
      loads.use(
        keepCalling(`${gateways[(i % 2) as 0 | 1].url}/many`, authorization, { inFlight: 4, pauseMs: 2 }),
      ),
    )
    const keys = callers.map(({ account }) => windowKey(`u:${account.id}`, 'many'))
    const slots = await Promise.all(keys.map(async (key) => Number(await cluster.cluster('KEYSLOT', key))))
    for (let move = 0; move < 12; move++) {
      for (const slot of slots) {
        await server.moveSlot(slot, server.primaries[move % 3] as (typeof server.primaries)[number])
      }
      await sleep(30)
    }
    for (const [i, calls] of load.entries()) {
      const answers = await calls.stop()
      expect(answers.length).toBeGreaterThan(50)
      expect(statuses(answers)).toEqual({ 200: answers.length })
      expect(await cluster.llen(keys[i] as string)).toBe(answers.length)
    }
    for (const gateway of gateways) {
      expect(sumOf(await metricsOf(gateway), 'guichet_store_errors_total', { store: 'sessions' })).toBe(0)
    }
  })
})
