import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hit } from './hit.ts'
import type { HitBatch, Hits } from './hits.ts'
import { createSpool } from './spool.ts'

/** What an operator should read in the log: once per change of state, not once per batch. */
export type RecorderEvent =
  | { readonly kind: 'store-away'; readonly cause: unknown }
  /** `detailsDropped` of the calls made meanwhile are counted, but missing from the recent ones. */
  | { readonly kind: 'store-back'; readonly pending: number; readonly detailsDropped: number }
  /** The spool is full: from now on the oldest calls are kept as counts only. */
  | { readonly kind: 'spool-full' }

export interface RecorderOptions {
  /** How long a call waits for company before its batch leaves. */
  readonly flushIntervalMs?: number
  /** Calls a batch; a full one leaves at once. */
  readonly batchSize?: number
  /** Calls kept in detail while the store is away; older ones are kept as counts. */
  readonly spoolLimit?: number
  /** After this a batch counts as failed, whatever the store's own deadline is. */
  readonly attemptTimeoutMs?: number
  /** Pauses after failures double from the first to the longest. */
  readonly firstPauseMs?: number
  readonly longestPauseMs?: number
  readonly onEvent?: (event: RecorderEvent) => void
}

export interface Recorder {
  /** Calls recorded and not yet known to be counted by the store. */
  readonly pending: number
  /** Remembers the call, to be counted soon. Does no I/O and never throws. */
  record(hit: Hit): void
  /** Sends all that waits; resolves with what is still pending when it is done or the deadline has passed. */
  flush(deadlineMs: number): Promise<number>
  /** Flushes, then stops for good. */
  close(deadlineMs: number): Promise<number>
}

/**
 * Counts calls off the hot path: one batch at a time, sent again under the same sequence until the
 * store accepts it, so that a call is counted exactly once even when an answer is lost.
 */
export function createRecorder(hits: Pick<Hits, 'record'>, options: RecorderOptions = {}): Recorder {
  const { flushIntervalMs = 200, batchSize = 500, spoolLimit = 100_000, attemptTimeoutMs = 2_000 } = options
  const { firstPauseMs = 100, longestPauseMs = 5_000, onEvent = () => {} } = options
  const spool = createSpool(spoolLimit)
  const sender = randomUUID()
  let sequence = 0
  let inFlight = 0
  let timer: NodeJS.Timeout | null = null
  let sending: Promise<void> | null = null
  let isDraining = false
  let isClosed = false
  let isStoreAway = false
  let detailsDropped = 0
  let isWaking = false
  let pause = new AbortController()

  function wake(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    isWaking = false
    if (spool.size === 0) return
    sending ??= sendAll().finally(() => {
      sending = null
      if (spool.size > 0) wakeLater()
    })
  }

  function wakeLater(): void {
    if (timer === null && !isClosed) timer = setTimeout(wake, flushIntervalMs).unref()
  }

  async function sendAll(): Promise<void> {
    do {
      const { calls, ...content } = spool.take(batchSize)
      inFlight = calls
      await deliver({ sender, sequence: ++sequence, ...content })
      if (isClosed) return
      inFlight = 0
    } while (isDraining ? spool.size > 0 : spool.size >= batchSize)
  }

  /** Returns when the store has accepted the batch, or the recorder was closed. */
  async function deliver(batch: HitBatch): Promise<void> {
    for (let pauseMs = firstPauseMs; !isClosed; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        await withinTime(hits.record(batch), attemptTimeoutMs)
        if (isStoreAway) onEvent({ kind: 'store-back', pending: spool.size, detailsDropped })
        isStoreAway = false
        detailsDropped = 0
        return
      } catch (cause) {
        if (!isStoreAway) onEvent({ kind: 'store-away', cause })
        isStoreAway = true
        await rest(isDraining ? firstPauseMs : pauseMs)
      }
    }
  }

  async function rest(durationMs: number): Promise<void> {
    pause = new AbortController()
    await sleep(durationMs, null, { ref: false, signal: pause.signal }).catch(() => {})
  }

  async function flush(deadlineMs: number): Promise<number> {
    isDraining = true
    pause.abort()
    const deadline = new AbortController()
    const drained = (async () => {
      while (inFlight + spool.size > 0 && !deadline.signal.aborted) {
        wake()
        await sending
      }
    })()
    await Promise.race([drained, sleep(deadlineMs, null, { signal: deadline.signal }).catch(() => {})])
    deadline.abort()
    isDraining = false
    return inFlight + spool.size
  }

  return {
    get pending() {
      return inFlight + spool.size
    },

    record(hit) {
      const dropped = spool.push(hit)
      if (dropped > 0 && detailsDropped === 0) onEvent({ kind: 'spool-full' })
      detailsDropped += dropped
      if (sending !== null || isWaking) return
      if (spool.size < batchSize) return wakeLater()
      isWaking = true
      setImmediate(wake)
    },

    flush,

    async close(deadlineMs) {
      const left = await flush(deadlineMs)
      isClosed = true
      pause.abort()
      if (timer !== null) clearTimeout(timer)
      return left
    },
  }
}

async function withinTime(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
    timer.unref()
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
