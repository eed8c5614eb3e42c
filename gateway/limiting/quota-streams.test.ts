import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { windowOf } from './admission.contract.ts'
import { createEmbeddedLimitNews } from './limit-news.embedded.ts'
import { plainPolicy } from './policy.ts'
import { createQuotaStreams, type Opening } from './quota-streams.ts'
import type { QuotaRequest } from './read-quota.ts'

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

const requestOf = (subject: string, accountId: string | null = null): QuotaRequest => ({
  accountId,
  session: accountId === null ? null : { accountId, sessionId: 's' },
  windows: [windowOf(plainPolicy('calls', 3, 60_000), subject)],
  callId: 'c',
})

/** Streams over a store that never says anything new. */
function openStreams(bounds: { most?: number; mostPerCaller?: number } = {}) {
  const news = createEmbeddedLimitNews()
  const looked: QuotaRequest[] = []
  const limiter = {
    async look(request: QuotaRequest) {
      looked.push(request)
      return { kind: 'allowed', tier: 'store', windows: [] } as const
    },
    timeline: async () => [],
  }
  const streams = createQuotaStreams({ limiter, news, ...bounds })
  const written: string[] = []
  function open(caller: string, request = requestOf(caller)): { opening: Opening; leave: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const opening = streams.open(
      caller,
      request,
      {
        write: (text) => written.push(text) > 0,
        drained: () => {},
        end: (text) => {
          written.push(text)
          resolve()
        },
        cut: resolve,
      },
      promise,
    )
    return { opening, leave: resolve }
  }
  return { streams, news, looked, written, open }
}

const turn = () => vi.advanceTimersByTimeAsync(0)

it('are bounded, per caller and in all; who leaves makes room', async () => {
  const { open } = openStreams({ most: 3, mostPerCaller: 2 })
  const first = open('u:1')
  expect([first.opening, open('u:1').opening]).toEqual(['opened', 'opened'])
  expect(open('u:1').opening).toBe('too-many-of-caller')
  expect([open('u:2').opening, open('u:3').opening]).toEqual(['opened', 'too-many'])
  first.leave()
  await turn()
  expect(open('u:1').opening).toBe('opened')
})

it('look together every two seconds, in one turn, and not at all when nobody listens', async () => {
  const { open, looked } = openStreams()
  const opened = ['u:1', 'u:2', 'u:3'].map((caller) => open(caller))
  await turn()
  looked.length = 0
  await vi.advanceTimersByTimeAsync(1_900)
  expect(looked).toHaveLength(0)
  // No timer but one: so all looks of a tick are made before the store hears of any.
  vi.advanceTimersToNextTimer()
  expect(looked).toHaveLength(3)
  for (const { leave } of opened) leave()
  await turn()
  expect(vi.getTimerCount()).toBe(0)
})

it('look at once at whom news are about: the subject, the first of its parts, or the account of the session', async () => {
  const { open, looked, news } = openStreams()
  const [plain, parts, byAddress] = [requestOf('u:1'), requestOf('u:2+r:user'), requestOf('a:192.0.2.7', '3')]
  open('u:1', plain)
  open('u:2', parts)
  open('u:3', byAddress)
  await turn()
  for (const [subject, request] of [
    ['u:1', plain],
    ['u:2', parts],
    ['u:2+r:user', parts],
    ['u:3', byAddress],
  ] as const) {
    await vi.advanceTimersByTimeAsync(150)
    looked.length = 0
    await news.publish({ kind: 'exhausted', subject })
    expect(looked, subject).toEqual([request])
  }
})

it('keep their connections open by a comment every fifteen seconds', async () => {
  const { open, written } = openStreams()
  open('u:1')
  await vi.advanceTimersByTimeAsync(31_000)
  expect(written.filter((text) => text === ':\n\n')).toHaveLength(2)
})

it('end together, each told when to come back, and no new one begins', async () => {
  const { open, streams, written } = openStreams()
  open('u:1')
  open('u:2')
  await turn()
  streams.end()
  await turn()
  expect(written.slice(-2).every((text) => /^retry: \d{3,4}\n\n$/.test(text))).toBe(true)
  expect(open('u:1').opening).toBe('ending')
  expect(vi.getTimerCount()).toBe(0)
})
