import { afterAll, beforeAll, expect, it } from 'vitest'
import { startBlackHole } from '../test/servers/black-hole.ts'
import { type RedisCluster, startRedisCluster } from '../test/servers/redis-cluster.ts'
import { openClusterSubscriber, openRedisCluster } from './redis-cluster.ts'

const deadlineMs = 200
const password = 'p@ss:w/rd'
const opened = new AsyncDisposableStack()
let server: RedisCluster
beforeAll(async () => {
  server = opened.use(await startRedisCluster({ password }))
})
afterAll(() => opened.disposeAsync())

it('logs in with a password of any characters, and names what is wrong with one that is refused', async () => {
  await using right = await openRedisCluster(server.url, { deadlineMs })
  expect(right.problem()).toBeNull()
  expect(await right.redis.set('a', 1)).toBe('OK')

  const wrongUrl = server.url.replace(encodeURIComponent(password), 'other-secret')
  await using wrong = await openRedisCluster(wrongUrl, { deadlineMs, readyWithinMs: 500 })
  expect(wrong.problem()).toMatch(
    /^redis-cluster:\/\/127\.0\.0\.1:\d+,.*: the password is refused; put the right one into the URL$/,
  )
  expect(wrong.problem()).not.toContain('secret')
  await expect(wrong.redis.get('a')).rejects.toThrow()
})

it('a place where nothing is, or nobody answers, is a problem in one line, and no command waits for it', async () => {
  await using hole = await startBlackHole()
  for (const [port, words] of [
    [1, 'no node listens there; start Redis or correct the URL'],
    [hole.port, `redis-cluster://127.0.0.1:${hole.port}`],
  ] as const) {
    await using away = await openRedisCluster(`redis-cluster://127.0.0.1:${port}`, {
      deadlineMs,
      readyWithinMs: 300,
    })
    expect(away.problem()).toContain(words)
    const askedAtMs = performance.now()
    await expect(away.redis.get('a')).rejects.toThrow()
    expect(performance.now() - askedAtMs).toBeLessThan(2_000)
  }
})

it('a node that is silent costs its callers the deadline, and the others nothing', async () => {
  await using connection = await openRedisCluster(server.url, { deadlineMs })
  const { redis } = connection
  const keys = Array.from({ length: 30 }, (_, i) => `key-${i}`)
  await Promise.all(keys.map((key) => redis.set(key, 1)))
  const [first] = server.primaries
  first?.freeze()
  try {
    const startedAtMs = performance.now()
    const answers = await Promise.allSettled(keys.map((key) => redis.get(key)))
    expect(performance.now() - startedAtMs).toBeLessThan(2_000)
    const refused = answers.filter(({ status }) => status === 'rejected').length
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThan(keys.length)
  } finally {
    first?.thaw()
  }
  await expect
    .poll(() => Promise.all(keys.map((key) => redis.get(key))).catch(() => 'away'), { timeout: 10_000 })
    .toEqual(keys.map(() => '1'))
})

it('hears what is published on any node, on another node when its own is lost', async () => {
  await using connection = await openRedisCluster(server.url, { deadlineMs })
  await using subscriber = openClusterSubscriber(server.url, { deadlineMs })
  const heard = new Set<string>()
  subscriber.redis.on('message', (_channel: string, text: string) => heard.add(text))
  subscriber.redis.on('ready', () => void subscriber.redis.subscribe('news').catch(() => undefined))
  const say = async (text: string) => {
    for (const node of connection.redis.nodes('master')) {
      await node.publish('news', `${text} ${node.options.port}`).catch(() => undefined)
    }
  }
  await expect.poll(() => say('first').then(() => heard.size)).toBe(3)

  const own = server.primaries.find(({ port }) => port === subscriber.redis.options.port)
  await own?.kill()
  await expect
    .poll(() => say('second').then(() => [...heard].some((text) => text.startsWith('second'))), {
      timeout: 5_000,
    })
    .toBe(true)
  expect(subscriber.redis.options.port).not.toBe(own?.port)
})
