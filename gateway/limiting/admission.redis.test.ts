import { Redis } from 'ioredis'
import { afterAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { adjustmentKey, sessionKey, windowKey } from '../connections/redis-keys.ts'
import { startRedis } from '../test/servers/redis.ts'
import { admissionContract, callOf, policyOf, startClock, windowOf } from './admission.contract.ts'
import { createRedisAdmission } from './admission.redis.ts'
import { plainPolicy } from './policy.ts'

const redis = new Redis(new URL('/3', inject('redisUrl')).href)
// Every test opens a store of its own over this one connection.
redis.setMaxListeners(0)
afterAll(() => redis.quit())

describe('admission in Redis', () => {
  admissionContract(() => {
    const clock = startClock()
    return {
      clock,
      store: createRedisAdmission(redis, { now: () => clock.now }),
      setSession: async (accountId, sessionId, isAlive) => {
        const key = sessionKey(accountId, sessionId)
        await (isAlive ? redis.set(key, '1', 'PX', 60_000) : redis.del(key))
      },
    }
  }, 10_000)

  const tenCalls = policyOf('calls', 10, 600_000)
  const request = callOf([windowOf(tenCalls, 'u:heal')])
  const key = windowKey('u:heal', 'calls')
  beforeEach(() => redis.del(key))

  it('uses the clock of Redis, not ours', async () => {
    const before = await redis.time()
    await createRedisAdmission(redis).admit(request)
    const counted = Number(await redis.lindex(key, 0))
    expect(counted).toBeGreaterThanOrEqual(Number(before[0]) * 1e6)
    expect(counted).toBeLessThan((Number(before[0]) + 5) * 1e6)
  })

  it('leaves no key without an expiry', async () => {
    const clock = startClock()
    const store = createRedisAdmission(redis, { now: () => clock.now })
    await store.admit(request)
    expect(await redis.pttl(key)).toBeGreaterThan(590_000)
    clock.now -= 3_600_000
    await store.admit(request)
    expect(await redis.pttl(key)).toBeGreaterThan(590_000)
  })

  it('takes back what was admitted without it in as many steps as there were calls, however long the log', async () => {
    await using server = await startRedis()
    const own = new Redis(server.url())
    const store = createRedisAdmission(own)
    const window = windowOf(policyOf('calls', 100_000, 600_000), 'u:many')
    const told = Array.from({ length: 500 }, (_, i) => ({ window, agoMs: 500 - i }))
    for (let batch = 0; batch < 4; batch++)
      await store.replay(told.map((call) => ({ ...call, agoMs: call.agoMs + 2_000 - 500 * batch })))
    expect(await own.llen(windowKey('u:many', 'calls'))).toBe(2_000)
    const stats = await own.info('commandstats')
    const steps = [...stats.matchAll(/^cmdstat_\w+:calls=(\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
    own.disconnect()
    expect(steps).toBeLessThan(3_000)
  })

  it.each([
    ['a string', () => redis.set(key, 'nonsense')],
    ['a hash', () => redis.hset(key, 'a', 'b')],
    ['a list of words', () => redis.rpush(key, ...'abcdefghijkl')],
    ['a list with a word at the end', () => redis.rpush(key, '1800000000000000', 'word')],
  ])('counts anew when the key holds %s: nobody is locked out, nobody unlimited', async (_, spoil) => {
    await redis.del(key)
    await spoil()
    const clock = startClock()
    const store = createRedisAdmission(redis, { now: () => clock.now })
    const answers = await Promise.all(Array.from({ length: 15 }, () => store.admit(request)))
    expect(answers.filter((answer) => answer.kind === 'allowed')).toHaveLength(10)
  })

  it.each(
    (['counter', 'gcra', 'concurrent'] as const).flatMap((algorithm) =>
      (
        [
          ['a string', (own: string) => redis.set(own, 'nonsense')],
          ['a hash', (own: string) => redis.hset(own, 'bucket', 'x', 'calls', 'y', 'before', 'z')],
          ['a list', (own: string) => redis.rpush(own, 'a', 'b')],
          ['a set', (own: string) => redis.sadd(own, 'a', 'b')],
        ] as const
      ).map(([kind, spoil]) => [algorithm, kind, spoil] as const),
    ),
  )('%s counts anew when its key holds %s', async (algorithm, _, spoil) => {
    const own = windowKey('u:heal', algorithm)
    await redis.del(own)
    await spoil(own)
    const clock = startClock()
    const store = createRedisAdmission(redis, { now: () => clock.now })
    const policy = plainPolicy(algorithm, 10, 600_000, { algorithm, burst: 10 })
    const answers = await Promise.all(
      Array.from({ length: 15 }, () => store.admit(callOf([windowOf(policy, 'u:heal')]))),
    )
    expect(answers.filter((answer) => answer.kind === 'allowed')).toHaveLength(10)
    expect(await redis.pttl(own)).toBeGreaterThan(0)
    await redis.del(own)
  })

  it.each([
    ['a string', (own: string) => redis.set(own, 'nonsense')],
    ['a list', (own: string) => redis.rpush(own, 'a', 'b')],
    ['words where numbers should be', (own: string) => redis.hset(own, 'quota', 'x', 'quotaUntil', 'y')],
  ])('a boost and a ban are forgotten when their key holds %s, and can be set again', async (_, spoil) => {
    const own = adjustmentKey('u:heal', 'calls')
    await redis.del(own)
    await spoil(own)
    const store = createRedisAdmission(redis)
    expect(await store.admit(request)).toMatchObject({ kind: 'allowed', windows: [{ quota: 10 }] })
    await redis.del(own)
    await spoil(own)
    await store.boost(windowOf(tenCalls, 'u:heal'), 12, 60_000)
    expect(await store.admit(request)).toMatchObject({ windows: [{ quota: 12 }] })
    expect(await redis.pttl(own)).toBeGreaterThan(50_000)
    await redis.del(own)
  })

  it('survives SCRIPT FLUSH between the commands of one write without a single error', async () => {
    const store = createRedisAdmission(redis)
    const many = policyOf('many', 1_000_000, 600_000)
    const answers = []
    for (let i = 0; i < 300; i++) {
      if (i % 30 === 0) void redis.script('FLUSH')
      answers.push(store.admit(callOf([windowOf(many, `u:flush${i % 7}`)])))
      if (i % 3 === 0) await new Promise(setImmediate)
    }
    expect((await Promise.all(answers)).every((answer) => answer.kind === 'allowed')).toBe(true)
  })

  it('keeps at most 320 bytes of values for a quota of 10', async () => {
    const store = createRedisAdmission(redis)
    for (let i = 0; i < 12; i++) await store.admit(request)
    const withKey = Number(await redis.memory('USAGE', key))
    await redis.set(`${key}:empty`, '', 'PX', 600_000)
    const keyAlone = Number(await redis.memory('USAGE', `${key}:empty`))
    await redis.del(`${key}:empty`)
    expect(withKey - keyAlone).toBeLessThanOrEqual(320)
  })

  it('puts calls of one turn of the event loop into one script', async () => {
    const store = createRedisAdmission(redis)
    await redis.ping()
    const monitor = await redis.monitor()
    const commands: string[] = []
    monitor.on('monitor', (_time: string, args: string[], source: string, db: string) => {
      if (db === '3' && source !== 'lua') commands.push(String(args[0]).toLowerCase())
    })
    await Promise.all(Array.from({ length: 50 }, () => store.admit(request)))
    await redis.ping()
    await expect.poll(() => commands).toContain('ping')
    monitor.disconnect()
    expect(commands).toEqual(['evalsha', 'ping'])
  })
})
