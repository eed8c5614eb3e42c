import { Redis } from 'ioredis'
import { afterAll, expect, inject, test } from 'vitest'
import { hitsKey } from '../connections/redis-keys.ts'
import { batchOf, hitsContract } from './hits.contract.ts'
import { createRedisHits } from './hits.redis.ts'

const redis = new Redis(inject('redisUrl'), { db: 6 })
afterAll(() => redis.quit())

async function openEmpty() {
  await redis.flushdb()
  return createRedisHits(redis)
}

hitsContract('Redis', openEmpty)

test('scripts that Redis forgot are sent again', async () => {
  const hits = await openEmpty()
  await hits.record(batchOf(1))
  await redis.script('FLUSH')
  await hits.record(batchOf(2))
  expect(await hits.services()).toEqual([{ service: 'vente', calls: 4 }])
})

test('a sender is remembered for a day in one key, and every key shares one slot', async () => {
  const hits = await openEmpty()
  for (let sequence = 1; sequence <= 20; sequence++) await hits.record(batchOf(sequence))
  const keys = await redis.keys('*')
  expect(keys.toSorted()).toEqual([
    hitsKey.accounts,
    hitsKey.recent,
    hitsKey.sender('gateway-1'),
    hitsKey.services,
  ])
  expect(keys.every((key) => key.includes('{hits}'))).toBe(true)
  expect(await redis.ttl(hitsKey.sender('gateway-1'))).toBeGreaterThan(86_000)
})

test('keys that someone spoiled heal, and the batch is still counted once', async () => {
  const hits = await openEmpty()
  await redis.set(hitsKey.accounts, 'not a sorted set')
  await redis.set(hitsKey.recent, 'not a list')
  await redis.hset(hitsKey.services, 'vente', 'not a number')
  await hits.record(batchOf(1))
  await hits.record(batchOf(1))
  expect(await hits.services()).toEqual([{ service: 'vente', calls: 2 }])
  expect(await hits.leastActive(10)).toEqual([{ accountId: '42', calls: 2 }])
  expect(await hits.recent({ limit: 10 })).toHaveLength(2)
})
