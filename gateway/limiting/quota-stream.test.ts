import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { windowOf } from './admission.contract.ts'
import type { WindowState } from './admission.ts'
import type { Decision } from './decision.ts'
import { plainPolicy } from './policy.ts'
import { createQuotaStream } from './quota-stream.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const quota = 3
const request = windowOf(plainPolicy('calls', quota, 60_000), 'u:1')

/** A window with so many places in use, the first of which is free in `resetMs`. */
const used = (places: number, resetMs: number): Decision => {
  const window: WindowState = {
    ...{ request, quota, isBanned: false, receipt: 0 },
    ...{ hasRoom: places < quota, remaining: quota - places, resetMs },
  }
  return places < quota
    ? { kind: 'allowed', tier: 'store', windows: [window] }
    : { kind: 'denied', tier: 'store', windows: [window], retryAfterMs: resetMs }
}

/** A stream over a store that answers what the test says, and a reader that can fall behind. */
function openStream() {
  const store = { answer: used(0, 0), looks: 0 }
  const reader = { written: [] as string[], isBehind: false, isEnded: false, isCut: false, drained: () => {} }
  const limiter = {
    async look() {
      store.looks++
      return store.answer
    },
    timeline: async () => [],
  }
  const stream = createQuotaStream(
    limiter,
    { session: null, accountId: null, windows: [request], callId: 'c' },
    {
      write(text) {
        reader.written.push(text)
        return !reader.isBehind
      },
      drained: (listener) => {
        reader.drained = listener
      },
      end: () => {
        reader.isEnded = true
      },
      cut: () => {
        reader.isCut = true
      },
    },
  )
  const events = () => reader.written.map((text) => /^event: (.+)$/m.exec(text)?.[1] ?? 'beat')
  return { stream, store, reader, events }
}

describe('a stream of events', () => {
  it('tells the state at the start, then only what has changed', async () => {
    const { stream, store, events } = openStream()
    await stream.look()
    await stream.look()
    expect(events()).toEqual(['quota'])
    store.answer = used(1, 60_000)
    await stream.look()
    vi.advanceTimersByTime(2_000)
    store.answer = used(1, 58_000)
    await stream.look()
    expect(events()).toEqual(['quota', 'quota'])
    // One call has left the window and another has come: as many places, but free at another time.
    store.answer = used(1, 60_000)
    await stream.look()
    expect(events()).toEqual(['quota', 'quota', 'quota'])
  })

  it('looks by itself when a place should be free, and tells so only when it is', async () => {
    const { stream, store, events } = openStream()
    store.answer = used(quota, 5_000)
    await stream.look()
    expect(events()).toEqual(['quota', 'limited'])
    await vi.advanceTimersByTimeAsync(4_900)
    expect(store.looks).toBe(1)
    // Someone else was faster: the place is taken again.
    store.answer = used(quota, 7_000)
    await vi.advanceTimersByTimeAsync(200)
    expect(store.looks).toBe(2)
    expect(events()).not.toContain('restored')
    store.answer = used(quota - 1, 1_000)
    await vi.advanceTimersByTimeAsync(7_000)
    expect(events().slice(-2)).toEqual(['quota', 'restored'])
  })

  it('costs no memory for a reader who is behind, and tells the last state when that one has caught up', async () => {
    const { stream, store, reader, events } = openStream()
    reader.isBehind = true
    await stream.look()
    for (let places = 1; places <= quota; places++) {
      store.answer = used(places, 60_000)
      await stream.look()
      stream.beat()
    }
    expect(events()).toEqual(['quota'])
    reader.isBehind = false
    reader.drained()
    expect(events()).toEqual(['quota', 'quota', 'limited'])
    expect(reader.written[1]).toContain('"remaining":0')
  })

  it('cuts a reader who does not read for a minute, and one who is behind at the end', async () => {
    const [deaf, last] = [openStream(), openStream()]
    for (const { reader, stream } of [deaf, last]) {
      reader.isBehind = true
      await stream.look()
    }
    vi.advanceTimersByTime(59_000)
    deaf.stream.beat()
    expect(deaf.reader.isCut).toBe(false)
    vi.advanceTimersByTime(2_000)
    deaf.stream.beat()
    expect(deaf.reader.isCut).toBe(true)
    last.stream.end('retry: 1\n\n')
    expect(last.reader.isCut).toBe(true)
  })

  it('makes one look of many that are asked for at once, with a breath between', async () => {
    const { stream, store } = openStream()
    await Promise.all(Array.from({ length: 1_000 }, () => stream.look()))
    expect(store.looks).toBe(1)
    await vi.advanceTimersByTimeAsync(150)
    expect(store.looks).toBe(2)
  })

  it('ends when the session has, and keeps the last state while nobody can tell', async () => {
    const { stream, store, reader, events } = openStream()
    await stream.look()
    store.answer = { kind: 'store-away', tier: 'degraded', closed: [] }
    await stream.look()
    expect(reader.isEnded).toBe(false)
    store.answer = { kind: 'session-ended', tier: 'store' }
    await stream.look()
    expect(reader.isEnded).toBe(true)
    stream.beat()
    expect(events()).toEqual(['quota'])
  })
})
