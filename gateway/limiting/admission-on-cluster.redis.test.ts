import type { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRedisCluster } from '../connections/redis-cluster.ts'
import { sessionKey, windowKey } from '../connections/redis-keys.ts'
import { type RedisCluster, startRedisCluster } from '../test/servers/redis-cluster.ts'
import {
  admissionContract,
  callOf,
  freshSubject,
  policyOf,
  startClock,
  windowOf,
} from './admission.contract.ts'
import { createClusterAdmission } from './admission-on-cluster.redis.ts'

const opened = new AsyncDisposableStack()
let server: RedisCluster
let cluster: Cluster
beforeAll(async () => {
  server = opened.use(await startRedisCluster())
  cluster = opened.use(await openRedisCluster(server.url, { deadlineMs: 5_000 })).redis
})
afterAll(() => opened.disposeAsync())

describe('admission in a Redis Cluster of three nodes', () => {
  admissionContract(() => {
    const clock = startClock()
    return {
      clock,
      store: createClusterAdmission(cluster, { now: () => clock.now }),
      setSession: async (accountId, sessionId, isAlive) => {
        const key = sessionKey(accountId, sessionId)
        await (isAlive ? cluster.set(key, '1', 'PX', 60_000) : cluster.del(key))
      },
    }
  }, 2_000)

  const calls = policyOf('calls', 10, 600_000)

  it('spreads the callers over its nodes, all keys of one on one slot', async () => {
    const store = createClusterAdmission(cluster)
    const subjects = Array.from({ length: 60 }, freshSubject)
    await Promise.all(subjects.map((subject) => store.admit(callOf([windowOf(calls, subject)]))))
    for (const node of cluster.nodes('master')) expect(await node.dbsize()).toBeGreaterThan(0)
    for (const subject of subjects) expect(await cluster.llen(windowKey(subject, 'calls'))).toBe(1)
  })

  it('survives SCRIPT FLUSH on every node between the commands of one write', async () => {
    const store = createClusterAdmission(cluster)
    const subjects = Array.from({ length: 7 }, freshSubject)
    const many = policyOf('many', 1_000, 600_000)
    const answers = []
    for (let i = 0; i < 300; i++) {
      if (i % 30 === 0) for (const node of cluster.nodes('master')) void node.script('FLUSH')
      answers.push(store.admit(callOf([windowOf(many, subjects[i % 7] as string)])))
      if (i % 3 === 0) await new Promise(setImmediate)
    }
    expect((await Promise.all(answers)).every((answer) => answer.kind === 'allowed')).toBe(true)
    const counted = await Promise.all(subjects.map((subject) => cluster.llen(windowKey(subject, 'many'))))
    expect(counted.reduce((sum, count) => sum + count)).toBe(300)
  })

  it('takes nothing of an address for a session that has ended', async () => {
    const store = createClusterAdmission(cluster)
    const address = freshSubject().replace('u:', 'a:')
    const request = callOf([windowOf(calls, address)], { accountId: 'gone', sessionId: 's' })
    expect(await store.admit(request)).toEqual({ kind: 'session-ended' })
    expect(await cluster.exists(windowKey(address, 'calls'))).toBe(0)
  })

  it('never admits more than any quota when calls that cross each other share windows', async () => {
    const store = createClusterAdmission(cluster)
    const subjects = Array.from({ length: 6 }, freshSubject)
    const three = policyOf('three', 3, 600_000)
    const admitted = new Map<string, number>()
    const crossing = Array.from({ length: 200 }, async (_, i) => {
      const pair = [subjects[i % 6], subjects[(i * 5 + 1 + (i % 3)) % 6]].filter(
        (s, j, all) => all.indexOf(s) === j,
      )
      const answer = await store.admit(callOf(pair.map((subject) => windowOf(three, subject as string))))
      if (answer.kind !== 'allowed') return
      for (const subject of pair) admitted.set(subject as string, (admitted.get(subject as string) ?? 0) + 1)
    })
    await Promise.all(crossing)
    for (const subject of subjects) {
      expect(admitted.get(subject) ?? 0).toBeLessThanOrEqual(3)
      // What was held by a call that was then denied has been given back.
      await expect.poll(() => cluster.llen(windowKey(subject, 'three'))).toBe(admitted.get(subject) ?? 0)
    }
  })
})
