import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startRedis } from '../test/servers/redis.ts'
import { hitAt } from './hits.contract.ts'
import { createRedisHits } from './hits.redis.ts'
import type { HitBatch } from './hits.ts'
import { createRecorder, type RecorderEvent } from './recorder.ts'

/** A store that counts as the real ones do, and fails or hangs on demand. */
function fakeStore() {
  const counted = new Map<number, HitBatch>()
  const sent: number[] = []
  const store = {
    failure: null as null | 'before' | 'after' | 'hang',
    sent,
    counted,
    calls: () => [...counted.values()].flatMap(({ services }) => services).reduce((n, s) => n + s.calls, 0),
    async record(batch: HitBatch) {
      sent.push(batch.sequence)
      if (store.failure === 'before') throw new Error('refused')
      if (store.failure === 'hang') return new Promise<void>(() => {})
      if (!counted.has(batch.sequence)) counted.set(batch.sequence, batch)
      if (store.failure === 'after') throw new Error('the answer was lost')
    },
  }
  return store
}

describe('with a clock in hand', () => {
  const withFakeClock = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate'] })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('a lone call waits for company, then leaves; a full batch leaves at once', async () => {
    withFakeClock()
    const store = fakeStore()
    const recorder = createRecorder(store, { batchSize: 3, flushIntervalMs: 200 })
    recorder.record(hitAt(1))
    await vi.advanceTimersByTimeAsync(199)
    expect(store.sent).toEqual([])
    expect(recorder.pending).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(store.calls()).toBe(1)
    expect(recorder.pending).toBe(0)
    for (let i = 0; i < 7; i++) recorder.record(hitAt(i))
    expect(store.sent).toEqual([1])
    await vi.advanceTimersByTimeAsync(1)
    expect(store.calls()).toBe(7)
    await vi.advanceTimersByTimeAsync(200)
    expect(store.calls()).toBe(8)
    expect(store.sent).toEqual([1, 2, 3, 4])
  })
})

test('a batch whose answer was lost is sent again under the same sequence', async () => {
  const store = fakeStore()
  store.failure = 'after'
  const events: RecorderEvent[] = []
  const recorder = createRecorder(store, {
    flushIntervalMs: 1,
    firstPauseMs: 5,
    onEvent: (event) => events.push(event),
  })
  recorder.record(hitAt(1))
  await vi.waitUntil(() => store.sent.length >= 3)
  expect(recorder.pending).toBe(1)
  store.failure = null
  await vi.waitUntil(() => recorder.pending === 0)
  expect(new Set(store.sent)).toEqual(new Set([1]))
  expect(store.calls()).toBe(1)
  expect(events.map(({ kind }) => kind)).toEqual(['store-away', 'store-back'])
})

test('a store that never answers does not stop the recorder for ever', async () => {
  const store = fakeStore()
  store.failure = 'hang'
  const recorder = createRecorder(store, { flushIntervalMs: 1, attemptTimeoutMs: 20, firstPauseMs: 1 })
  recorder.record(hitAt(1))
  await vi.waitUntil(() => store.sent.length >= 2)
  store.failure = null
  await vi.waitUntil(() => recorder.pending === 0)
  expect(store.calls()).toBe(1)
})

test('more calls than the spool holds stay counted while the store is away', async () => {
  const store = fakeStore()
  store.failure = 'before'
  const events: RecorderEvent[] = []
  const recorder = createRecorder(store, {
    ...{ batchSize: 10, spoolLimit: 100, flushIntervalMs: 1, firstPauseMs: 1, longestPauseMs: 5 },
    onEvent: (event) => events.push(event),
  })
  for (let i = 0; i < 1_000; i++) recorder.record(hitAt(i, { accountId: String(i % 50) }))
  await vi.waitUntil(() => events.length === 2)
  expect(recorder.pending).toBe(1_000)
  store.failure = null
  expect(await recorder.close(5_000)).toBe(0)
  expect(store.calls()).toBe(1_000)
  expect(events).toMatchObject([
    { kind: 'spool-full' },
    { kind: 'store-away' },
    { kind: 'store-back', detailsDropped: 900 },
  ])
})

test('a flush sends everything at once, and gives up at its deadline', async () => {
  const store = fakeStore()
  const recorder = createRecorder(store, { batchSize: 10, flushIntervalMs: 60_000 })
  for (let i = 0; i < 95; i++) recorder.record(hitAt(i))
  expect(await recorder.flush(5_000)).toBe(0)
  expect(store.calls()).toBe(95)
  store.failure = 'before'
  for (let i = 0; i < 5; i++) recorder.record(hitAt(i))
  const startedAt = performance.now()
  expect(await recorder.close(50)).toBe(5)
  expect(performance.now() - startedAt).toBeLessThan(1_000)
})

test('a flush does not wait for a pause between attempts to end', async () => {
  const store = fakeStore()
  store.failure = 'before'
  const recorder = createRecorder(store, { flushIntervalMs: 1, firstPauseMs: 60_000 })
  recorder.record(hitAt(1))
  await vi.waitUntil(() => store.sent.length === 1)
  await sleep(5)
  store.failure = null
  expect(await recorder.flush(5_000)).toBe(0)
})

test('recording a call costs the hot path no more than a few microseconds', async () => {
  const recorder = createRecorder(fakeStore())
  const hit = hitAt(1)
  const startedAt = performance.now()
  for (let i = 0; i < 50_000; i++) recorder.record(hit)
  expect((performance.now() - startedAt) / 50_000).toBeLessThan(0.02)
  await recorder.close(5_000)
})

test('every call is counted exactly once through a frozen, killed and restarted Redis', async () => {
  await using server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const redis = new Redis(server.url(1), {
    ...{ commandTimeout: 100, enableOfflineQueue: false, maxRetriesPerRequest: 0 },
    retryStrategy: () => 50,
  })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  await vi.waitUntil(() => redis.status === 'ready')
  const hits = createRedisHits(redis)
  const recorder = createRecorder(hits, { flushIntervalMs: 5, batchSize: 20, firstPauseMs: 20 })

  let recorded = 0
  const traffic = setInterval(() => {
    for (let i = 0; i < 5; i++) recorder.record(hitAt(recorded++, { accountId: String(recorded % 7) }))
  }, 2)
  await sleep(100)
  server.freeze()
  await sleep(400)
  server.thaw()
  await sleep(200)
  await server.kill()
  await sleep(200)
  await server.restart()
  await sleep(300)
  clearInterval(traffic)

  expect(await recorder.close(10_000)).toBe(0)
  expect(await hits.services()).toEqual([{ service: 'vente', calls: recorded }])
  const accounts = await hits.leastActive(10)
  expect(accounts.reduce((sum, { calls }) => sum + calls, 0)).toBe(recorded)
  const atMs = (await hits.recent({ limit: 10_000 })).map((hit) => hit.atMs)
  expect(new Set(atMs).size).toBe(Math.min(recorded, 10_000))
})
