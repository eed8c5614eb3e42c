import { expect, inject, test } from 'vitest'
import { ask } from '../proxying/ask.ts'
import { startRedis } from '../servers/redis.ts'
import { openTestGateway, type TestGateway } from '../test-gateway.ts'
import { answering, openCachedApp } from './cached-app.ts'

const everyone = { 'cache-control': 'public, max-age=60', 'cache-tag': 'news' }
const inRedis = (url: string) => ({
  cache: { home: url },
  routes: [{ path: '/', upstream: 'app', access: 'public', cache: true }],
})

/** A database that no other test uses. */
const sharedUrl = new URL('/12', inject('redisUrl')).href

async function openTwo(redisUrl: string) {
  const cached = await openCachedApp(answering(everyone), { config: inRedis(redisUrl) })
  const second = await openTestGateway({ upstream: cached.app.url, config: inRedis(redisUrl) })
  return {
    ...cached,
    second,
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]()
      await cached[Symbol.asyncDispose]()
    },
  }
}

const host = { host: 'etu.example' }
const get = ({ url }: TestGateway, path: string) => ask(url, path, { headers: host })

test('what one gateway has stored the other gives, and a purge on one acts on both', async () => {
  await using both = await openTwo(sharedUrl)
  const { gateway, second } = both
  const path = `/a${Date.now()}`
  const first = await get(gateway, path)
  await expect.poll(async () => (await get(second, path)).body).toBe(first.body)
  expect(both.asked(path)).toBe(1)
  for (const query of [`path=${path}`, 'tag=news']) {
    await ask(second.adminUrl, `/api/cache?${query}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${second.adminToken}` },
    })
    const before = both.asked(path)
    const anew = await get(gateway, path)
    expect(both.asked(path)).toBe(before + 1)
    await expect.poll(async () => (await get(second, path)).body).toBe(anew.body)
  }
})

test('a change made through one gateway is seen through the other', async () => {
  await using both = await openTwo(sharedUrl)
  const path = `/b${Date.now()}`
  const first = await get(both.gateway, path)
  await expect.poll(async () => (await get(both.second, path)).body).toBe(first.body)
  await ask(both.second.url, path, { method: 'POST', headers: host })
  expect((await get(both.gateway, path)).body).not.toBe(first.body)
})

test('while Redis is silent or gone the app is asked, nobody waits long, and a purge says that it did nothing', async () => {
  await using redis = await startRedis()
  await using cached = await openCachedApp(answering(everyone), { config: inRedis(redis.url(0)) })
  const { gateway } = cached
  await get(gateway, '/a')
  await expect.poll(async () => (await get(gateway, '/a')).headers['cache-status']).toMatch(/hit/)

  redis.freeze()
  const slowest = await slowestOf(20, () => get(gateway, '/a'))
  expect(slowest.statuses).toEqual(new Set([200]))
  expect(slowest.ms).toBeLessThan(1_500)
  const purge = await ask(gateway.adminUrl, '/api/cache?tag=news', {
    method: 'DELETE',
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  })
  expect(purge.status).toBe(503)
  redis.thaw()
  await expect
    .poll(async () => (await get(gateway, '/a')).headers['cache-status'], { timeout: 5_000 })
    .toMatch(/hit/)

  await redis.kill()
  const gone = await slowestOf(20, () => get(gateway, '/b'))
  expect(gone.statuses).toEqual(new Set([200]))
  await redis.restart()
  await expect
    .poll(async () => (await get(gateway, '/b')).headers['cache-status'], { timeout: 5_000 })
    .toMatch(/hit/)
})

async function slowestOf(count: number, call: () => Promise<{ status: number }>) {
  const statuses = new Set<number>()
  let ms = 0
  for (let i = 0; i < count; i++) {
    const startedAtMs = performance.now()
    statuses.add((await call()).status)
    ms = Math.max(ms, performance.now() - startedAtMs)
  }
  return { statuses, ms }
}
