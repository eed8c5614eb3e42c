import type { Decision } from './decision.ts'
import type { Limiter } from './limiter.ts'
import { isLimited, isUnchanged, type PolicyState, type QuotaState, type SeenWindows } from './quota-state.ts'
import { type QuotaRequest, stateOf } from './read-quota.ts'

/** Where the events go. */
export interface EventSink {
  /** False when the reader is behind; `drained` is called when it has caught up. */
  write(text: string): boolean
  drained(listener: () => void): void
  /** After what was written has left. */
  end(text: string): void
  /** At once. */
  cut(): void
}

export interface QuotaStream {
  /** Looks at the windows and tells what has changed. Looks asked for meanwhile become one. */
  look(): Promise<void>
  /** Keeps the connection open, and cuts a reader that has not read for long. */
  beat(): void
  end(lastWords?: string): void
}

/** Between two looks that news ask for: a caller in a hurry makes news all the time. */
const pauseMs = 100
const longestDeafMs = 60_000
const longestTimerMs = 3_600_000

/** One reader's events: what is written is always the last known state, so that a slow reader costs no memory. */
export function createQuotaStream(
  limiter: Pick<Limiter, 'look' | 'timeline'>,
  request: QuotaRequest,
  sink: EventSink,
): QuotaStream {
  let seen: SeenWindows | null = null
  let current: QuotaState | null = null
  let written: QuotaState | null = null
  const toldLimited = new Set<string>()
  let eventId = 0
  let behindSinceMs: number | null = null
  let isLooking = false
  let isAskedAgain = false
  let isEnded = false
  let timer: NodeJS.Timeout | undefined

  sink.drained(() => {
    behindSinceMs = null
    tell()
  })

  function end(lastWords = ''): void {
    if (isEnded) return
    isEnded = true
    clearTimeout(timer)
    // Who does not read would hold a listener that closes.
    if (behindSinceMs === null) sink.end(lastWords)
    else sink.cut()
  }

  async function look(): Promise<void> {
    if (isEnded) return
    if (isLooking) {
      isAskedAgain = true
      return
    }
    isLooking = true
    isAskedAgain = false
    clearTimeout(timer)
    try {
      await lookOnce()
    } finally {
      isLooking = false
      if (!isEnded) timer = setTimeout(look, isAskedAgain ? pauseMs : untilNextPlaceMs())
    }
  }

  async function lookOnce(): Promise<void> {
    const looked = await limiter.look(request)
    if (looked.kind === 'session-ended') return end()
    // Nothing is known for the moment: what was told last stands.
    if (looked.kind === 'store-away' || isEnded) return
    await remember(looked)
    tell()
  }

  async function remember(looked: Extract<Decision, { kind: 'allowed' | 'denied' }>): Promise<void> {
    const now: SeenWindows = { tier: looked.tier, atMs: performance.now(), windows: looked.windows }
    if (seen !== null && isUnchanged(seen, now)) return
    current = await stateOf(limiter, request, looked)
    seen = now
  }

  /** When a place should become free in a window that is full; the look then says whether it has. */
  function untilNextPlaceMs(): number {
    if (seen === null) return longestTimerMs
    const passedMs = performance.now() - seen.atMs
    const waits = seen.windows
      .filter(isLimited)
      .map(({ resetMs }) => Math.max(pauseMs, Math.ceil(resetMs - passedMs) + 5))
    return Math.min(longestTimerMs, ...waits)
  }

  function tell(): void {
    if (isEnded || behindSinceMs !== null || current === null || current === written) return
    written = current
    send('quota', current)
    for (const policy of current.policies) {
      const key = `${policy.name} ${policy.appliesTo}`
      if (isLimited(policy)) {
        if (!toldLimited.has(key)) send('limited', policy)
        toldLimited.add(key)
      } else if (toldLimited.delete(key)) {
        send('restored', policy)
      }
    }
  }

  function send(event: 'quota' | 'limited' | 'restored', data: QuotaState | PolicyState): void {
    write(`id: ${++eventId}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  function write(text: string): void {
    if (!sink.write(text)) behindSinceMs ??= performance.now()
  }

  return {
    look,
    beat() {
      if (isEnded) return
      if (behindSinceMs === null) write(':\n\n')
      else if (performance.now() - behindSinceMs > longestDeafMs) sink.cut()
    },
    end,
  }
}
