import { expect, inject, it } from 'vitest'
import { startBlackHole } from '../test/servers/black-hole.ts'
import { openRedis } from './redis.ts'

const deadlineMs = 50

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

  await using silent = await openRedis(`redis://127.0.0.1:${hole.port}`, { deadlineMs, readyWithinMs: 200 })
  const askedAtMs = performance.now()
  await expect(silent.redis.ping()).rejects.toThrow()
  expect(performance.now() - askedAtMs).toBeLessThan(deadlineMs)
  expect(silent.problem()).toContain(`redis://127.0.0.1:${hole.port}`)
})
