import { once } from 'node:events'
import { Redis } from 'ioredis'
import { afterAll, beforeEach, describe, expect, inject, it } from 'vitest'
import {
  accountSessionsKey,
  limitNewsChannel,
  liveSessionsKey,
  sessionKey,
} from '../connections/redis-keys.ts'
import { ageRedis, redisNowMs } from '../test/identity/age-redis.ts'
import { sessionsContract } from './sessions.contract.ts'
import { createRedisSessions } from './sessions.redis.ts'
import { mostSessionsPerAccount } from './sessions.ts'

const redis = new Redis(new URL('/5', inject('redisUrl')).href)
afterAll(() => redis.quit())
beforeEach(() => redis.flushdb())

const advance = (byMs: number) => ageRedis(redis, byMs)
const lasting = (lifetimeMs: number) => ({ lifetimeMs, idleLifetimeMs: lifetimeMs })

describe('sessions in Redis', () => {
  sessionsContract(async () => ({
    sessions: createRedisSessions(redis),
    advance,
    nowMs: () => redisNowMs(redis),
  }))

  const sessions = createRedisSessions(redis)
  const session = {
    ...{ accountId: '7', sessionId: 'a', refreshHash: 'h', device: 'Firefox (Linux)', address: '192.0.2.7' },
  }
  const rotate = (presentedHash: string, nextHash: string, idleLifetimeMs = 60_000) =>
    sessions.rotate(
      { accountId: '7', sessionId: 'a', presentedHash, nextHash, issuedAtMs: 1, address: '192.0.2.8' },
      { idleLifetimeMs, graceMs: 10_000 },
    )

  it('leaves no key without an expiry, whatever happens to a session (R18)', async () => {
    await sessions.open(session, lasting(60_000))
    await sessions.open({ ...session, sessionId: 'b' }, lasting(30_000))
    await rotate('h', 'next')
    await rotate('h', 'next')
    for (let i = 0; i <= mostSessionsPerAccount; i++) {
      await sessions.open({ ...session, accountId: '8', sessionId: `s${i}` }, lasting(60_000))
    }
    await sessions.endAll('8', { except: `s${mostSessionsPerAccount}` })
    const keys = await redis.keys('*')
    expect(keys).toHaveLength(6)
    for (const key of keys) expect(await redis.pttl(key), key).toBeGreaterThan(25_000)
    await advance(60_001)
    expect(await redis.keys('*')).toEqual([])
  })

  it('keeps the list of an account as long as its longest session, whatever comes after', async () => {
    await sessions.open(session, lasting(60_000))
    await sessions.open({ ...session, sessionId: 'b' }, lasting(1_000))
    expect(await redis.pttl(accountSessionsKey('7'))).toBeGreaterThan(50_000)
  })

  it('keeps both lists as long as a session whose life was lengthened by a use', async () => {
    await sessions.open(session, { lifetimeMs: 600_000, idleLifetimeMs: 10_000 })
    await rotate('h', 'next', 300_000)
    for (const key of [sessionKey('7', 'a'), accountSessionsKey('7'), liveSessionsKey]) {
      expect(await redis.pttl(key), key).toBeGreaterThan(290_000)
    }
  })

  it('drops expired sessions from the list of their account', async () => {
    await sessions.open(session, lasting(60_000))
    await sessions.open({ ...session, sessionId: 'b' }, lasting(1_000))
    await advance(1_001)
    await sessions.open({ ...session, sessionId: 'c' }, lasting(60_000))
    expect(await redis.zrange(accountSessionsKey('7'), '0', '-1')).toEqual(['a', 'c'])
  })

  it('never keeps a refresh secret, only what the use case hands over', async () => {
    await sessions.open(session, lasting(60_000))
    const { openedAtMs, lastSeenAtMs, endsAtMs, ...kept } = await redis.hgetall(sessionKey('7', 'a'))
    expect(kept).toEqual({ refreshHash: 'h', device: 'Firefox (Linux)', address: '192.0.2.7' })
    expect([Number(lastSeenAtMs), Number(endsAtMs)]).toEqual([
      Number(openedAtMs),
      Number(openedAtMs) + 60_000,
    ])
  })

  it('lets go of a session that a gateway of an older version opened only when its own time has come', async () => {
    await redis.hset(sessionKey('7', 'a'), { refreshHash: 'h', openedAtMs: '1800000000000' })
    await redis.pexpire(sessionKey('7', 'a'), 600_000)
    await redis.zadd(accountSessionsKey('7'), (await redisNowMs(redis)) + 600_000, 'a')
    expect(await sessions.list('7')).toMatchObject([
      { device: null, address: null, openedAtMs: 1_800_000_000_000, lastSeenAtMs: 1_800_000_000_000 },
    ])
    expect(await rotate('h', 'next', 3_600_000)).toEqual({ kind: 'rotated' })
    const left = await redis.pttl(sessionKey('7', 'a'))
    expect([left > 590_000, left <= 600_000]).toEqual([true, true])
    expect(await sessions.list('7')).toMatchObject([{ address: '192.0.2.8' }])
  })

  it('puts all keys of an account on one slot, whatever its id', async () => {
    for (const id of ['42', 'a}b{c', 'x'.repeat(10_000)]) {
      const tags = [sessionKey(id, 's'), accountSessionsKey(id)].map((key) => /\{([^}]+)\}/.exec(key)?.[1])
      expect(new Set(tags).size).toBe(1)
    }
  })

  it('survives SCRIPT FLUSH', async () => {
    await sessions.open(session, lasting(60_000))
    await redis.script('FLUSH')
    expect(await rotate('h', 'next')).toEqual({ kind: 'rotated' })
  })

  it.each([
    ['a session ended', () => sessions.end('7', 'a')],
    ['all ended', () => sessions.endAll('7')],
    ['an old secret came again', () => rotate('old', 'older')],
    [
      'one had to make room',
      async () => {
        for (let i = 0; i < mostSessionsPerAccount; i++) {
          await sessions.open({ ...session, sessionId: `s${i}` }, lasting(60_000))
        }
      },
    ],
  ])('tells gateways that remember a denial of the account when %s', async (_, end) => {
    await sessions.open(session, lasting(60_000))
    await using opened = new AsyncDisposableStack()
    const subscriber = opened.adopt(redis.duplicate(), (client) => client.disconnect())
    await subscriber.subscribe(limitNewsChannel)
    const heard = once(subscriber, 'message')
    await end()
    expect(await heard).toEqual([limitNewsChannel, 'loosened u:7'])
    expect(await sessions.isAlive('7', 'a')).toBe(false)
  })

  it('does not lose a session for the sake of the gauge', async () => {
    await redis.set(liveSessionsKey, 'not a list')
    await sessions.open(session, lasting(60_000))
    expect(await rotate('h', 'next')).toEqual({ kind: 'rotated' })
    expect(await sessions.end('7', 'a')).toBe(true)
  })

  it('rejects while Redis is away, rather than saying that a session has ended', async () => {
    const away = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: null })
    away.on('error', () => undefined)
    const unreachable = createRedisSessions(away)
    await expect(unreachable.isAlive('7', 'a')).rejects.toThrow()
    await expect(unreachable.list('7')).rejects.toThrow()
    await expect(unreachable.end('7', 'a')).rejects.toThrow()
    away.disconnect()
  })
})
