import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { metricsOf } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { startRedis } from './servers/redis.ts'
import { startRedisCluster } from './servers/redis-cluster.ts'
import { openTestGateway } from './test-gateway.ts'

const series = (store: string, count: number) => `\nguichet_store_evicted_keys{store="${store}"} ${count}\n`
/** A reading is kept for 5 s. */
const untilReadAgain = { timeout: 10_000, interval: 200 }

/** Writes four times what still fits; resolves with how many keys had to go, which stays so. */
async function overfill(url: string): Promise<number> {
  await using filling = new AsyncDisposableStack()
  const redis = filling.adopt(new Redis(url), (client) => client.disconnect())
  const field = async (section: string, name: string) =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(await redis.info(section))?.[1])
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  await redis.config('SET', 'maxmemory', String((await field('memory', 'used_memory')) + 500_000))
  const bytes = Buffer.alloc(50_000)
  // A node of a cluster refuses the keys of others: a third remains.
  const writes = Array.from({ length: 120 }, (_, i) => redis.set(`filler:${i}`, bytes))
  await Promise.allSettled(writes)
  await redis.config('SET', 'maxmemory', '0')
  const evicted = await field('stats', 'evicted_keys')
  expect(evicted).toBeGreaterThan(0)
  return evicted
}

it('what a full Redis threw away is in /metrics, and absent while it does not answer', async () => {
  await using app = await startEchoApp()
  await using redis = await startRedis({
    args: ['--maxmemory', '10mb', '--maxmemory-policy', 'allkeys-lru'],
  })
  await using gateway = await openTestGateway({ upstream: app.url, sessions: redis.url() })
  const before = await metricsOf(gateway)
  expect(before).toContain(series('sessions', 0))
  // In SQLite nothing is ever evicted.
  expect(before).not.toContain('guichet_store_evicted_keys{store="hits"}')

  const evicted = await overfill(redis.url())
  await expect.poll(() => metricsOf(gateway), untilReadAgain).toContain(series('sessions', evicted))
  await redis.kill()
  await expect.poll(() => metricsOf(gateway), untilReadAgain).not.toContain('guichet_store_evicted_keys{')
})

it('of a cluster it is the sum of its primaries; the store of hits is told apart', async () => {
  await using app = await startEchoApp()
  await using hits = await startRedis()
  await using cluster = await startRedisCluster()
  await using gateway = await openTestGateway({
    upstream: app.url,
    sessions: cluster.url,
    hits: hits.url(),
  })
  await expect.poll(() => metricsOf(gateway), untilReadAgain).toContain(series('sessions', 0))

  let evicted = 0
  for (const primary of cluster.primaries.slice(0, 2)) evicted += await overfill(primary.url())
  await expect.poll(() => metricsOf(gateway), untilReadAgain).toContain(series('sessions', evicted))
  expect(await metricsOf(gateway)).toContain(series('hits', 0))
}, 60_000)
