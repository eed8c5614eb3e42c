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

it('moves with its subscriber when the primary becomes a replica, instead of being refused for ever', async () => {
  const options = { deadlineMs, readyWithinMs: 5_000 }
  await using connection = await openRedis(server.url(), options)
  await using listening = await openRedis(server.url(), options)
  const heard: string[] = []
  const subscribe = () => listening.redis.subscribe('news').catch(() => undefined)
  listening.redis.on('ready', subscribe).on('message', (_channel, text) => heard.push(text))
  await subscribe()
  const sentinel = new Redis({ host: '127.0.0.1', port: server.sentinelPort })
  await sentinel.call('SENTINEL', 'FAILOVER', 'guichet-test')
  sentinel.disconnect()

  const successor = opened.adopt(new Redis(server.replica.url()), (redis) => redis.disconnect())
  await expect.poll(async () => (await successor.role())[0], { timeout: 10_000 }).toBe('master')
  // The sentinel makes a replica of the old primary some 10 s later, which then refuses to write.
  const moved = async () => {
    await connection.redis.set('moved', 1).catch(() => undefined)
    return String(await connection.redis.info('server').catch(() => ''))
  }
  await expect.poll(moved, { timeout: 30_000, interval: 100 }).toContain(`tcp_port:${server.replica.port}\r`)
  expect(await connection.redis.set('moved', 2)).toBe('OK')
  await connection.redis.publish('news', 'moved')
  await expect.poll(() => heard, { timeout: 5_000 }).toContain('moved')
}, 60_000)
