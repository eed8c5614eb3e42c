import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { openRedisCluster } from '../connections/redis-cluster.ts'
import { windowKey } from '../connections/redis-keys.ts'
import { call, keepCalling, statuses } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { startRedisCluster } from './servers/redis-cluster.ts'
import { addAccount, logIn, openTestGateway } from './test-gateway.ts'

const quota = 5

/** Waits until the replica has all that this primary has said yes to. */
async function acknowledged(url: string): Promise<number> {
  const redis = new Redis(url)
  try {
    return await redis.wait(1, 5_000)
  } finally {
    redis.disconnect()
  }
}

/** One primary dies, its replica takes over; `lag` makes the replica miss what was acknowledged last. */
it.each([
  ['that has everything', false],
  ['that missed the last writes', true],
])('a failover to a replica %s is a short outage: no failure, and at most one quota more', async (_, lag) => {
  await using opened = new AsyncDisposableStack()
  const app = opened.use(await startEchoApp())
  const server = opened.use(await startRedisCluster({ replicas: 1 }))
  const { redis: cluster } = opened.use(await openRedisCluster(server.url, { deadlineMs: 500 }))
  const gateway = opened.use(
    await openTestGateway({
      upstream: app.url,
      sessions: server.url,
      config: {
        policies: {
          calls: { quota, per: '10m', by: 'user' },
          logins: { quota: 1000, per: '10m', by: 'account' },
        },
        routes: [{ path: '/api', upstream: 'app', access: 'connected', policies: ['calls'] }],
      },
    }),
  )
  await addAccount(gateway)
  const { authorization, account } = await logIn(gateway)
  const key = windowKey(`u:${account.id}`, 'calls')
  const slot = Number(await cluster.cluster('KEYSLOT', key))
  // Evenly shared, in the order of the primaries.
  const at = Math.min(2, Math.floor(slot / (16_384 / 3)))
  const [primary, replica] = [server.primaries[at], server.replicas[at]]
  if (primary === undefined || replica === undefined) throw new Error('no node holds the slot')
  await sleep(100)

  if (lag) replica.freeze()
  for (let i = 0; i < quota; i++)
    expect(await call(`${gateway.url}/api`, authorization)).toMatchObject({ status: 200 })
  expect(await call(`${gateway.url}/api`, authorization)).toMatchObject({ status: 429 })
  if (!lag) expect(await acknowledged(primary.url())).toBe(1)
  await using load = keepCalling(`${gateway.url}/api`, authorization, { inFlight: 3, pauseMs: 20 })
  await primary.kill()
  if (lag) replica.thaw()
  const killedAtMs = performance.now()
  await expect.poll(() => cluster.exists(key).catch(() => -1), { timeout: 15_000 }).not.toBe(-1)
  await expect
    .poll(() => call(`${gateway.url}/api`, authorization), { timeout: 10_000 })
    .toMatchObject({ status: 429 })
  const outageMs = performance.now() - killedAtMs
  await sleep(500)
  const answers = await load.stop()

  expect(outageMs).toBeLessThan(15_000)
  expect(Object.keys(statuses(answers)).filter((status) => !['200', '429'].includes(status))).toEqual([])
  expect(statuses(answers)[200] ?? 0).toBeLessThanOrEqual(quota)
  expect(Math.max(...answers.map(({ durationMs }) => durationMs))).toBeLessThan(1_500)
  expect(await call(`${gateway.url}/api`, authorization)).toMatchObject({ status: 429 })
})
