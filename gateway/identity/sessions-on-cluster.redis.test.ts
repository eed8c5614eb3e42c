import { afterAll, describe, expect, it } from 'vitest'
import { openRedisCluster } from '../connections/redis-cluster.ts'
import { startRedisCluster } from '../test/servers/redis-cluster.ts'
import { sessionsContract } from './sessions.contract.ts'
import { createRedisSessions } from './sessions.redis.ts'

describe('sessions in a Redis Cluster of three nodes', async () => {
  const opened = new AsyncDisposableStack()
  afterAll(() => opened.disposeAsync())
  const server = opened.use(await startRedisCluster())
  const { redis: cluster } = opened.use(await openRedisCluster(server.url, { deadlineMs: 5_000 }))

  /** Redis cannot be told the time: instead every key comes that much closer to its end. */
  async function advance(byMs: number): Promise<void> {
    for (const node of cluster.nodes('master')) {
      for (const key of await node.keys('*')) {
        for (const member of (await node.type(key)) === 'zset' ? await node.zrange(key, '0', '-1') : []) {
          await node.zincrby(key, -byMs, member)
        }
        await node.pexpire(key, (await node.pttl(key)) - byMs)
      }
    }
  }

  sessionsContract(async () => {
    await Promise.all(cluster.nodes('master').map((node) => node.flushall()))
    return { sessions: createRedisSessions(cluster), advance }
  })

  it('leaves no key without an expiry on any node', async () => {
    await Promise.all(cluster.nodes('master').map((node) => node.flushall()))
    const sessions = createRedisSessions(cluster)
    for (const accountId of ['1', '2', '3', '4', '5']) {
      await sessions.open({ accountId, sessionId: `s${accountId}`, refreshHash: 'h', openedAtMs: 1 }, 60_000)
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
