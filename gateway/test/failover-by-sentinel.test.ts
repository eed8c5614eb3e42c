import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { windowKey } from '../connections/redis-keys.ts'
import { call, keepCalling, metricsOf, statuses, sumOf } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { startWatchedRedis } from './servers/redis-sentinel.ts'
import { addAccount, logIn, openTestGateway, type TestGateway, temporaryDirectory } from './test-gateway.ts'

const quota = 5
/** `stores.deadline` of a test gateway, and what a busy machine may add. */
const longestMs = 100 + 900

it('a primary that is killed costs some seconds of deciding alone: no failure, no session, one quota at most', async () => {
  await using opened = new AsyncDisposableStack()
  const app = opened.use(await startEchoApp())
  const server = opened.use(await startWatchedRedis())
  const { path: directory } = opened.use(await temporaryDirectory())
  const open = async () =>
    opened.use(
      await openTestGateway({
        upstream: app.url,
        directory,
        sessions: server.url(),
        hits: server.url(1),
        config: {
          policies: {
            calls: { quota, per: '10m', by: 'user' },
            many: { quota: 100_000, per: '10m', by: 'user' },
            logins: { quota: 1000, per: '10m', by: 'account' },
          },
          routes: [
            { path: '/api', upstream: 'app', access: 'connected', policies: ['calls'] },
            { path: '/many', upstream: 'app', access: 'connected', policies: ['many'] },
          ],
        },
      }),
    )
  const [here, there] = [await open(), await open()]
  await addAccount(here)
  const { authorization, account } = await logIn(here)
  const leaving = await logIn(here)
  const key = windowKey(`u:${account.id}`, 'calls')
  const isUp = async (gateway: TestGateway, store: string) =>
    sumOf(await metricsOf(gateway), 'guichet_store_up', { store })
  const onReplica = opened.adopt(new Redis(server.replica.url()), (redis) => redis.disconnect())
  const onPrimary = opened.adopt(new Redis(server.primary.url()), (redis) => redis.disconnect())
  onPrimary.on('error', () => undefined)

  for (let i = 0; i < quota; i++)
    expect(await call(`${here.url}/api`, authorization)).toMatchObject({ status: 200 })
  expect(await call(`${here.url}/api`, authorization)).toMatchObject({ status: 429 })
  expect(await isUp(here, 'sessions')).toBe(1)
  await expect.poll(() => onReplica.llen(key)).toBe(quota)
  onPrimary.disconnect()

  await using limited = keepCalling(`${here.url}/api`, authorization, { inFlight: 3, pauseMs: 20 })
  await using many = keepCalling(`${here.url}/many`, authorization, { inFlight: 3, pauseMs: 20 })
  await sleep(200)
  await server.primary.kill()
  const killedAtMs = performance.now()
  await expect.poll(() => isUp(here, 'sessions'), { timeout: 1_000, interval: 20 }).toBe(0)
  for (const gateway of [here, there])
    await expect.poll(() => isUp(gateway, 'sessions'), { timeout: 15_000, interval: 20 }).toBe(1)
  expect(performance.now() - killedAtMs).toBeLessThan(6_000)
  await sleep(500)
  const answers = { limited: await limited.stop(), many: await many.stop() }

  expect(Object.keys(statuses(answers.many))).toEqual(['200'])
  expect(Object.keys(statuses(answers.limited)).filter((status) => !/^(200|429)$/.test(status))).toEqual([])
  expect(statuses(answers.limited)[200] ?? 0).toBeLessThanOrEqual(quota)
  for (const { durationMs } of [...answers.many, ...answers.limited])
    expect(durationMs).toBeLessThan(longestMs)

  // The successor counts on, and knows who was logged out.
  expect(await onReplica.role()).toContain('master')
  expect(await call(`${there.url}/api`, authorization)).toMatchObject({ status: 429 })
  await fetch(`${here.url}/auth/logout`, { method: 'POST', headers: leaving.authorization })
  expect(await call(`${there.url}/many`, leaving.authorization)).toMatchObject({ status: 401 })
  await expect.poll(() => isUp(here, 'hits'), { timeout: 5_000 }).toBe(1)

  // Both gateways listen for news where the other one tells them.
  await expect.poll(async () => (await onReplica.pubsub('NUMSUB', 'guichet:limits'))[1]).toBe(2)
  for (let i = 0; i < 10; i++)
    expect(await call(`${there.url}/api`, authorization)).toMatchObject({ status: 429 })
  const reset = await fetch(`${here.adminUrl}/api/limits/u:${account.id}?policy=calls&reason=failover`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${here.adminToken}` },
  })
  expect(reset.status).toBe(200)
  expect(await call(`${there.url}/api`, authorization)).toMatchObject({ status: 200 })
})
