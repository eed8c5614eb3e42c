import { expect, inject, it } from 'vitest'
import { startBlackHole } from '../test/servers/black-hole.ts'
import { startRedis } from '../test/servers/redis.ts'
import { openRedis } from './redis.ts'

const deadlineMs = 50
/** Long enough to tell a refusal at once from one at the deadline, on a busy machine too. */
const patientMs = 2_000

it('an answer that arrived while this process was busy is not late', async () => {
  await using connection = await openRedis(inject('redisUrl'), { deadlineMs })
  const asked = connection.redis.ping()
  const busyUntil = performance.now() + 3 * deadlineMs
  while (performance.now() < busyUntil);
  expect(await asked).toBe('PONG')
})

it('a command waits for a silent server until the deadline, and not at all for one that is not there', async () => {
  await using hole = await startBlackHole()
  await using shared = await openRedis(inject('redisUrl'), { deadlineMs })
  const startedAtMs = performance.now()
  await expect(shared.redis.call('BLPOP', 'nothing-comes-here', '1')).rejects.toThrow(
    'no answer within 50 ms',
  )
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(deadlineMs - 1)

  await using silent = await openRedis(`redis://127.0.0.1:${hole.port}`, {
    deadlineMs: patientMs,
    readyWithinMs: 200,
  })
  const askedAtMs = performance.now()
  await expect(silent.redis.ping()).rejects.toThrow()
  expect(performance.now() - askedAtMs).toBeLessThan(patientMs / 2)
  expect(silent.problem()).toContain(`redis://127.0.0.1:${hole.port}`)
})

it('what was asked while Redis was gone is refused at once, and not done when it is back', async () => {
  await using server = await startRedis()
  await using connection = await openRedis(server.url(), { deadlineMs: patientMs })
  const { redis } = connection
  await redis.incr('counted')
  await server.kill()
  await expect.poll(() => redis.status).not.toBe('ready')
  const askedAtMs = performance.now()
  const asked = await Promise.allSettled(Array.from({ length: 5 }, () => redis.incr('counted')))
  expect(asked.map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  expect(performance.now() - askedAtMs).toBeLessThan(patientMs / 2)
  await server.restart()
  await expect.poll(() => redis.get('counted').catch(() => 'away'), { timeout: 2_000 }).toBe(null)
})
