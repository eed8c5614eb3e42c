import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, inject, it } from 'vitest'
import { hitsKey } from '../connections/redis-keys.ts'
import { call, metricsOf, type SeenAnswer, statuses, sumOf } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { startRedis } from './servers/redis.ts'
import { addAccount, logIn, openTestGateway } from './test-gateway.ts'

const sessions = new URL('/26', inject('redisUrl')).href

it.each(['killed', 'frozen'] as const)(
  'with the store of hits %s, calls and limits go on; their hits wait, and are counted once when it is back',
  async (badDay) => {
    await using opened = new AsyncDisposableStack()
    const shared = new Redis(sessions)
    await shared.flushdb()
    shared.disconnect()
    const app = opened.use(await startEchoApp())
    const server = opened.use(await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'no'] }))
    const gateway = opened.use(await openTestGateway({ upstream: app.url, sessions, hits: server.url(1) }))
    await addAccount(gateway)
    const { authorization, account } = await logIn(gateway)
    const direct = new Redis(server.url(1), { retryStrategy: () => 50 })
    direct.on('error', () => undefined)
    opened.defer(() => direct.disconnect())
    const ask = () => call(`${gateway.url}/api/vente`, authorization)

    const answers: SeenAnswer[] = [await ask(), await ask()]
    const counted = async () => Number(await direct.hget(hitsKey.services, 'vente'))
    await expect.poll(counted).toBe(2)

    // Between the sending of a batch and its answer, if it comes to that.
    answers.push(await ask())
    await sleep(195)
    if (badDay === 'killed') await server.kill()
    else server.freeze()
    for (let i = 0; i < 9; i++) answers.push(await ask())
    expect(statuses(answers)).toEqual({ 200: 10, 429: 2 })
    expect(Math.max(...answers.map(({ durationMs }) => durationMs))).toBeLessThan(500)

    const pending = async () => sumOf(await metricsOf(gateway), 'guichet_hits_pending')
    const waiting = await pending()
    expect(waiting).toBeGreaterThanOrEqual(7)
    expect(waiting).toBeLessThanOrEqual(8)
    const up = async () => sumOf(await metricsOf(gateway), 'guichet_store_up', { store: 'hits' })
    await expect.poll(up, { timeout: 4_000 }).toBe(0)

    if (badDay === 'killed') await server.restart()
    else server.thaw()
    await expect.poll(pending, { timeout: 10_000 }).toBe(0)
    expect(await counted()).toBe(10)
    expect(await direct.zscore(hitsKey.accounts, account.id)).toBe('10')
    expect(await direct.llen(hitsKey.recent)).toBe(10)
    expect(await up()).toBe(1)
  },
)
