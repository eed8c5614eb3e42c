import { setTimeout as sleep, setImmediate as soon } from 'node:timers/promises'

/** Whose failure it is: the server's, or this letter's alone, for now or for good. */
export type DeliveryFailure = 'server-away' | 'letter-put-off' | 'letter-refused'

export type MailQueueEvent =
  /** The first failure of the server after a success, and the first success after that. */
  | { readonly kind: 'away'; readonly error: unknown }
  | { readonly kind: 'back' }
  /** Never to be delivered: refused for good, or tried for too long. */
  | { readonly kind: 'lost'; readonly error: unknown }
  /** From now on new letters are dropped, until there is room again. */
  | { readonly kind: 'full' }

export interface MailQueueOptions<Letter> {
  readonly deliver: (letter: Letter, signal: AbortSignal) => Promise<void>
  readonly judge: (error: unknown) => DeliveryFailure
  readonly onEvent: (event: MailQueueEvent) => void
  readonly mostLetters?: number
  readonly mostAtOnce?: number
  /** Pauses of a letter double from the first to the longest. */
  readonly firstPauseMs?: number
  readonly longestPauseMs?: number
  /** No use in a code that has expired when it arrives. */
  readonly giveUpAfterMs?: number
}

export interface MailQueue<Letter> {
  /** Does no I/O and never throws. */
  push(letter: Letter): void
  /** Hurries what waits; resolves with how many letters were not delivered, at the deadline at the latest. */
  close(deadlineMs: number): Promise<number>
}

/** Delivers letters beside what the gateway does, a few at a time, each tried again for a while. */
export function createMailQueue<Letter>(options: MailQueueOptions<Letter>): MailQueue<Letter> {
  const { deliver, judge, onEvent, mostLetters = 1_000, mostAtOnce = 3 } = options
  const { firstPauseMs = 1_000, longestPauseMs = 20_000, giveUpAfterMs = 600_000 } = options
  const underWay = new Set<Promise<void>>()
  const inTurn = turns(mostAtOnce)
  const hurry = new AbortController()
  const stop = new AbortController()
  let isAway = false
  let delivered = 0
  let isFull = false

  /** Null once it has been delivered. */
  async function attempt(letter: Letter): Promise<{ error: unknown; isStale: boolean } | null> {
    const deliveredBefore = delivered
    try {
      stop.signal.throwIfAborted()
      await deliver(letter, stop.signal)
      if (isAway) onEvent({ kind: 'back' })
      isAway = false
      delivered += 1
      return null
    } catch (error) {
      // Another letter got through meanwhile: this failure says nothing of the server any more.
      return { error, isStale: delivered > deliveredBefore }
    }
  }

  function tellAway(error: unknown): void {
    if (!isAway) onEvent({ kind: 'away', error })
    isAway = true
  }

  async function see(letter: Letter): Promise<void> {
    const giveUpAtMs = performance.now() + giveUpAfterMs
    await soon()
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const failure = await inTurn(() => attempt(letter))
      if (failure === null || stop.signal.aborted) return
      const { error, isStale } = failure
      const judgement = judge(error)
      if (judgement === 'letter-refused' || performance.now() >= giveUpAtMs)
        return onEvent({ kind: 'lost', error })
      if (judgement === 'server-away' && !isStale) tellAway(error)
      await sleep(hurry.signal.aborted ? firstPauseMs : pauseMs, null, {
        ref: false,
        signal: hurry.signal.aborted ? stop.signal : hurry.signal,
      }).catch(() => undefined)
    }
  }

  return {
    push(letter) {
      if (underWay.size >= mostLetters || hurry.signal.aborted) {
        if (!isFull) onEvent({ kind: 'full' })
        isFull = true
        return
      }
      isFull = false
      const seen = see(letter).finally(() => underWay.delete(seen))
      underWay.add(seen)
    },
    async close(deadlineMs) {
      hurry.abort()
      const deadline = new AbortController()
      const drained = Promise.all(underWay)
      await Promise.race([
        drained,
        sleep(deadlineMs, null, { signal: deadline.signal }).catch(() => undefined),
      ])
      deadline.abort()
      const left = underWay.size
      stop.abort()
      await drained
      return left
    },
  }
}

/** Runs at most so many tasks at a time, in the order in which they came. */
function turns(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (task) => {
    if (running < most) running += 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
