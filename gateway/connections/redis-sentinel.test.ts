import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startWatchedRedis, type WatchedRedis } from '../test/servers/redis-sentinel.ts'
import { openRedis } from './redis.ts'

const deadlineMs = 500
const password = 'p@ss:w/rd'
const opened = new AsyncDisposableStack()
let server: WatchedRedis
beforeAll(async () => {
  server = opened.use(await startWatchedRedis({ password }))
})
afterAll(() => opened.disposeAsync())

it('reaches the primary with its password and database, past a sentinel that is gone', async () => {
  const url = server.url(3).replace('@', '@127.0.0.1:1,')
  await using connection = await openRedis(url, { deadlineMs, readyWithinMs: 5_000 })
  expect(connection.problem()).toBeNull()
  await connection.redis.set('where', 'here')
  const straight = opened.adopt(new Redis(server.primary.url(3)), (redis) => redis.disconnect())
  expect(await straight.get('where')).toBe('here')
})

it.each([
  [
    'no sentinel',
    () => 'redis-sentinel://127.0.0.1:1/any',
    'no sentinel answers there; start one or correct',
  ],
  [
    'no such primary',
    () => `redis-sentinel://127.0.0.1:${server.sentinelPort}/other`,
    'the sentinels know no primary of this name; correct the name',
  ],
  [
    'a wrong password',
    () => server.url().replace(encodeURIComponent(password), 'other-secret'),
    'the password is refused; put the right one into the URL',
  ],
])('%s is a problem in one line with its cure, and no command waits for it', async (_, url, words) => {
  await using away = await openRedis(url(), { deadlineMs, readyWithinMs: 700 })
  expect(away.problem()).toContain(words)
  expect(away.problem()).not.toContain('secret')
  const askedAtMs = performance.now()
  await expect(away.redis.get('a')).rejects.toThrow()
  expect(performance.now() - askedAtMs).toBeLessThan(deadlineMs + 500)
})
