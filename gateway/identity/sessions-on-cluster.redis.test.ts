import { afterAll, describe, expect, it } from 'vitest'
import { openRedisCluster } from '../connections/redis-cluster.ts'
import { ageRedis, redisNowMs } from '../test/identity/age-redis.ts'
import { startRedisCluster } from '../test/servers/redis-cluster.ts'
import { sessionsContract } from './sessions.contract.ts'
import { createRedisSessions } from './sessions.redis.ts'

describe('sessions in a Redis Cluster of three nodes', async () => {
  const opened = new AsyncDisposableStack()
  afterAll(() => opened.disposeAsync())
  const server = opened.use(await startRedisCluster())
  const { redis: cluster } = opened.use(await openRedisCluster(server.url, { deadlineMs: 5_000 }))

  const advance = (byMs: number) =>
    Promise.all(cluster.nodes('master').map((node) => ageRedis(node, byMs))).then(() => undefined)

  sessionsContract(async () => {
    await Promise.all(cluster.nodes('master').map((node) => node.flushall()))
    return { sessions: createRedisSessions(cluster), advance, nowMs: () => redisNowMs(cluster) }
  })

  it('leaves no key without an expiry on any node', async () => {
    await Promise.all(cluster.nodes('master').map((node) => node.flushall()))
    const sessions = createRedisSessions(cluster)
    for (const accountId of ['1', '2', '3', '4', '5']) {
      const session = { accountId, sessionId: `s${accountId}`, refreshHash: 'h' }
      await sessions.open(
        { ...session, device: null, address: '192.0.2.7' },
        { lifetimeMs: 60_000, idleLifetimeMs: 60_000 },
      )
    }
    let seen = 0
    for (const node of cluster.nodes('master')) {
      for (const key of await node.keys('*')) {
        seen++
        expect(await node.pttl(key), key).toBeGreaterThan(50_000)
      }
    }
    expect(seen).toBe(11)
  })
})
