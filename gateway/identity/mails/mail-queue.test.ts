import { setTimeout as sleep, setImmediate as soon } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { createMailQueue, type MailQueueEvent, type MailQueueOptions } from './mail-queue.ts'

function startQueue(options: Partial<MailQueueOptions<string>> & Pick<MailQueueOptions<string>, 'deliver'>) {
  const events: MailQueueEvent['kind'][] = []
  const queue = createMailQueue<string>({
    judge: () => 'server-away',
    onEvent: ({ kind }) => events.push(kind),
    firstPauseMs: 5,
    longestPauseMs: 20,
    ...options,
  })
  return { queue, events }
}

const never = (_letter: string, signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

test('pushing starts nothing before the caller is done', async () => {
  const delivered: string[] = []
  const { queue } = startQueue({ deliver: async (letter) => void delivered.push(letter) })
  queue.push('a')
  await Promise.resolve()
  expect(delivered).toEqual([])
  expect(await queue.close(1_000)).toBe(0)
  expect(delivered).toEqual(['a'])
})

test('a letter that fails is tried again until it is delivered; away and back are told once', async () => {
  let failures = 4
  const delivered: string[] = []
  const { queue, events } = startQueue({
    async deliver(letter) {
      if (failures-- > 0) throw new Error('away')
      delivered.push(letter)
    },
  })
  queue.push('a')
  queue.push('b')
  await expect.poll(() => delivered.toSorted(), { timeout: 5_000 }).toEqual(['a', 'b'])
  expect(events).toEqual(['away', 'back'])
  await queue.close(0)
})

test('pauses double up to the longest', async () => {
  const attemptsMs: number[] = []
  const { queue } = startQueue({
    firstPauseMs: 40,
    longestPauseMs: 80,
    async deliver() {
      attemptsMs.push(performance.now())
      if (attemptsMs.length < 5) throw new Error('away')
    },
  })
  queue.push('a')
  await expect.poll(() => attemptsMs.length, { timeout: 5_000 }).toBe(5)
  const pausesMs = attemptsMs.slice(1).map((atMs, i) => atMs - (attemptsMs[i] ?? 0))
  for (const [i, least] of [40, 80, 80, 80].entries()) expect(pausesMs[i]).toBeGreaterThanOrEqual(least - 2)
  await queue.close(0)
})

test('a letter that is refused for good is lost at once, and the others are not', async () => {
  const delivered: string[] = []
  const { queue, events } = startQueue({
    judge: () => 'letter-refused',
    async deliver(letter) {
      if (letter === 'nobody') throw new Error('refused')
      delivered.push(letter)
    },
  })
  for (const letter of ['a', 'nobody', 'b']) queue.push(letter)
  expect(await queue.close(1_000)).toBe(0)
  expect([delivered, events]).toEqual([['a', 'b'], ['lost']])
})

test('a letter that is put off is tried again, and says nothing of the server', async () => {
  let putOff = 3
  const { queue, events } = startQueue({
    judge: () => 'letter-put-off',
    async deliver() {
      if (putOff-- > 0) throw new Error('later')
    },
  })
  queue.push('a')
  await expect.poll(() => putOff, { timeout: 5_000 }).toBe(-1)
  expect(await queue.close(1_000)).toBe(0)
  expect(events).toEqual([])
})

test('a failure that began before another letter got through is not told', async () => {
  const through = Promise.withResolvers<void>()
  let attempts = 0
  const { queue, events } = startQueue({
    async deliver(letter) {
      if (letter === 'fast') return through.resolve()
      await through.promise
      await soon()
      attempts += 1
      if (attempts === 1) throw new Error('reset')
    },
  })
  queue.push('slow')
  queue.push('fast')
  await expect.poll(() => attempts, { timeout: 5_000 }).toBe(2)
  expect(await queue.close(1_000)).toBe(0)
  expect(events).toEqual([])
})

test('a letter is given up after a while, and told of once', async () => {
  const deliver = vi.fn(() => Promise.reject(new Error('away')))
  const startedAtMs = performance.now()
  const { queue, events } = startQueue({ deliver, giveUpAfterMs: 200 })
  queue.push('a')
  await expect.poll(() => events, { timeout: 5_000 }).toEqual(['away', 'lost'])
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(200)
  expect(deliver.mock.calls.length).toBeGreaterThan(1)
  expect(await queue.close(1_000)).toBe(0)
})

test('a few are under way at a time, and no more than so many wait; what comes then is dropped and told of once', async () => {
  let running = 0
  let mostRunning = 0
  const { queue, events } = startQueue({
    mostLetters: 1_000,
    async deliver(letter, signal) {
      mostRunning = Math.max(mostRunning, ++running)
      await never(letter, signal)
    },
  })
  for (let i = 0; i < 5_000; i++) queue.push(`letter ${i}`)
  await expect.poll(() => running, { timeout: 5_000 }).toBe(3)
  expect(events).toEqual(['full'])
  expect(await queue.close(20)).toBe(1_000)
  expect(mostRunning).toBe(3)
})

test('a thousand letters that rest are woken by the end, and delivered before it', async () => {
  let isAway = true
  let delivered = 0
  const { queue } = startQueue({
    firstPauseMs: 50,
    longestPauseMs: 60_000,
    async deliver() {
      if (isAway) throw new Error('away')
      delivered += 1
    },
  })
  for (let i = 0; i < 1_000; i++) queue.push('letter')
  await sleep(300)
  isAway = false
  expect(await queue.close(5_000)).toBe(0)
  expect(delivered).toBe(1_000)
})

test('the end waits no longer than it was told, and what hangs is broken off', async () => {
  let brokenOff = 0
  const { queue, events } = startQueue({
    deliver: (letter, signal) =>
      never(letter, signal).finally(() => {
        brokenOff += 1
      }),
  })
  for (const letter of ['a', 'b', 'c', 'd']) queue.push(letter)
  const startedAtMs = performance.now()
  expect(await queue.close(100)).toBe(4)
  expect(performance.now() - startedAtMs).toBeLessThan(600)
  expect([brokenOff, events]).toEqual([3, []])
})
