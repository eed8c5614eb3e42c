import { Redis } from 'ioredis'
import { afterAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { loginAttemptsKey } from '../connections/redis-keys.ts'
import { loginDelaysContract } from './login-delays.contract.ts'
import { createRedisLoginDelays } from './login-delays.redis.ts'
import { forgottenAfterMs } from './login-delays.ts'

const redis = new Redis(new URL('/61', inject('redisUrl')).href)
afterAll(() => redis.quit())
beforeEach(() => redis.flushdb())

const rule = { freeAttempts: 1, firstDelayMs: 10_000, longestDelayMs: 10_000 }

/** Redis cannot be told the time: instead every attempt was made that much earlier. */
async function advance(byMs: number): Promise<void> {
  for (const key of await redis.keys('*')) {
    await redis.hincrby(key, 'lastMs', -byMs)
    await redis.pexpire(key, (await redis.pttl(key)) - byMs)
  }
}

describe('login delays in Redis', () => {
  loginDelaysContract(async () => ({ delays: createRedisLoginDelays(redis), advance }))

  const delays = createRedisLoginDelays(redis)

  it('leaves no key without an expiry', async () => {
    for (let attempt = 0; attempt < 3; attempt++)
      await delays.begin('l:ada@example.org', { ...rule, freeAttempts: 9 })
    await delays.takeBack('l:ada@example.org')
    expect(await redis.pttl(loginAttemptsKey('l:ada@example.org'))).toBeGreaterThan(forgottenAfterMs - 10_000)
  })

  it('heals a key that holds something else, and makes nobody wait longer when the clock was set back', async () => {
    await redis.set(loginAttemptsKey('a:192.0.2.1'), 'text')
    expect(await delays.begin('a:192.0.2.1', rule)).toBe(0)
    await advance(-3_600_000)
    expect(await delays.begin('a:192.0.2.1', rule)).toBeLessThanOrEqual(10_000)
  })

  it('survives SCRIPT FLUSH', async () => {
    await delays.begin('a:192.0.2.1', rule)
    await redis.script('FLUSH')
    expect(await delays.begin('a:192.0.2.1', rule)).toBeGreaterThan(0)
  })
})
