import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, expect, inject, test } from 'vitest'
import { cacheKey } from '../connections/redis-keys.ts'
import { keepingOf, responsesContract } from './responses.contract.ts'
import { createRedisResponses } from './responses.redis.ts'

const redis = new Redis(inject('redisUrl'), { db: 11 })
afterAll(() => redis.quit())

async function openEmpty() {
  await redis.flushdb()
  const responses = createRedisResponses(redis, { maxEntryBytes: 10_000 })
  // Redis keeps its own time.
  return { responses, pass: (ms: number) => sleep(ms).then(() => undefined) }
}

responsesContract('Redis', openEmpty)

test('nothing is kept without an end, and groups do not grow with what has expired', async () => {
  const { responses, pass } = await openEmpty()
  for (let i = 0; i < 20; i++) await responses.keep(keepingOf({ variant: `v${i}`, keepMs: 100 }))
  await pass(150)
  await responses.keep(keepingOf({ variant: 'last' }))
  expect(await redis.zcard(cacheKey.group('tag news'))).toBe(1)
  for (const key of await redis.keys('*')) expect(await redis.pttl(key)).toBeGreaterThan(0)
})

test('what another version has written is not there', async () => {
  const { responses } = await openEmpty()
  await redis.set(cacheKey.entry('k'), 'something else')
  expect(await responses.find(['k'])).toEqual([null])
})
