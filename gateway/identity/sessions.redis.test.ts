import { Redis } from 'ioredis'
import { afterAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { accountSessionsKey, sessionKey } from '../connections/redis-keys.ts'
import { sessionsContract } from './sessions.contract.ts'
import { createRedisSessions } from './sessions.redis.ts'

const redis = new Redis(new URL('/5', inject('redisUrl')).href)
afterAll(() => redis.quit())
beforeEach(() => redis.flushdb())

/** Redis cannot be told the time: instead every key comes that much closer to its end. */
async function advance(byMs: number): Promise<void> {
  for (const key of await redis.keys('*')) {
    for (const member of (await redis.type(key)) === 'zset' ? await redis.zrange(key, '0', '-1') : []) {
      await redis.zincrby(key, -byMs, member)
    }
    const leftMs = await redis.pttl(key)
    if (leftMs >= 0) await redis.pexpire(key, leftMs - byMs)
  }
}

describe('sessions in Redis', () => {
  sessionsContract(async () => ({ sessions: createRedisSessions(redis), advance }))

  const sessions = createRedisSessions(redis)
  const session = { accountId: '7', sessionId: 'a', refreshHash: 'h', openedAtMs: 1_800_000_000_000 }

  it('leaves no key without an expiry', async () => {
    await sessions.open(session, 60_000)
    await sessions.open({ ...session, sessionId: 'b' }, 30_000)
    await sessions.rotate('7', 'a', 'h', 'next')
    for (const key of await redis.keys('*')) {
      expect(await redis.pttl(key), key).toBeGreaterThan(25_000)
    }
    await advance(60_001)
    expect(await redis.keys('*')).toEqual([])
  })

  it('keeps the list of an account as long as its longest session, whatever comes after', async () => {
    await sessions.open(session, 60_000)
    await sessions.open({ ...session, sessionId: 'b' }, 1_000)
    expect(await redis.pttl(accountSessionsKey('7'))).toBeGreaterThan(50_000)
  })

  it('drops expired sessions from the list of their account', async () => {
    await sessions.open(session, 60_000)
    await sessions.open({ ...session, sessionId: 'b' }, 1_000)
    await advance(1_001)
    await sessions.open({ ...session, sessionId: 'c' }, 60_000)
    expect(await redis.zrange(accountSessionsKey('7'), '0', '-1')).toEqual(['a', 'c'])
  })

  it('never keeps a refresh secret, only what the use case hands over', async () => {
    await sessions.open(session, 60_000)
    expect(await redis.hgetall(sessionKey('7', 'a'))).toEqual({
      refreshHash: 'h',
      openedAtMs: '1800000000000',
    })
  })

  it('puts all keys of an account on one slot, whatever its id', async () => {
    for (const id of ['42', 'a}b{c', 'x'.repeat(10_000)]) {
      const tags = [sessionKey(id, 's'), accountSessionsKey(id)].map((key) => /\{([^}]+)\}/.exec(key)?.[1])
      expect(new Set(tags).size).toBe(1)
    }
  })

  it('survives SCRIPT FLUSH', async () => {
    await sessions.open(session, 60_000)
    await redis.script('FLUSH')
    expect(await sessions.rotate('7', 'a', 'h', 'next')).toEqual({ kind: 'rotated' })
  })

  it('rejects while Redis is away, rather than saying that a session has ended', async () => {
    const away = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: null })
    away.on('error', () => undefined)
    await expect(createRedisSessions(away).isAlive('7', 'a')).rejects.toThrow()
    away.disconnect()
  })
})
