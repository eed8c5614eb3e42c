import { LRUCache } from 'lru-cache'
import type { Audience } from './cache-key.ts'

/** What became of an answer that others may be waiting for. */
export type Landing =
  /** Kept: for everyone, or for the circle of who asked. */
  | { readonly kind: 'kept'; readonly audience: Audience }
  /** Of no use to others: not to be kept, or to be asked about each time. Nobody waits for the next one either. */
  | { readonly kind: 'not-shared' }
  /** It could have been kept, and was not: purged meanwhile, or the place for it is away. */
  | { readonly kind: 'lost' }
  /** There was none: somebody else may try. */
  | { readonly kind: 'failed' }

export interface Flight {
  /** Once; what comes later is not heard. */
  land(landing: Landing): void
}

export type Boarding =
  | { readonly kind: 'leads'; readonly flight: Flight }
  /** Somebody is asking; not worth waiting for longer than `forMs`. */
  | { readonly kind: 'waits'; readonly landed: Promise<Landing>; readonly forMs: number }
  /** Nothing worth waiting for, as far as is known. */
  | { readonly kind: 'alone'; readonly flight: Flight }

export interface Flights {
  /**
   * @param everyone key under which callers could share one answer
   * @param circle key under which only those of one circle could; null when nothing is kept for it
   */
  board(everyone: string, circle: string | null): Boarding
}

export interface FlightsOptions {
  /** How long after its start a question is waited for: one that drips must not hold everyone up. */
  readonly waitMs: number
  /** Milliseconds on a clock that is never set back. */
  readonly now?: () => number
}

const mostRemembered = 10_000
/** How long it is remembered that a key gave nothing to share. */
const rememberedMs = 60_000

/**
 * Makes one question to the app of many equal ones: the first asks, the others wait for what it keeps. What turned
 * out to be nobody else's is remembered, so that callers of private answers do not queue for each other.
 */
export function createFlights({ waitMs, now = () => performance.now() }: FlightsOptions): Flights {
  const flying = new Map<string, { readonly landed: Promise<Landing>; readonly startedAtMs: number }>()
  const unshared = new LRUCache<string, number>({ max: mostRemembered })

  const isUnshared = (key: string): boolean =>
    now() - (unshared.get(key) ?? Number.NEGATIVE_INFINITY) < rememberedMs

  function learn(everyone: string, circle: string | null, landing: Landing): void {
    if (landing.kind === 'not-shared') {
      unshared.set(everyone, now())
      if (circle !== null) unshared.set(circle, now())
    } else if (landing.kind === 'kept') {
      if (circle !== null) unshared.delete(circle)
      if (landing.audience === 'everyone') unshared.delete(everyone)
      else unshared.set(everyone, now())
    }
  }

  const alone = (everyone: string, circle: string | null): Boarding => ({
    kind: 'alone',
    flight: { land: (landing) => learn(everyone, circle, landing) },
  })

  return {
    board(everyone, circle) {
      const key = [everyone, circle].find((candidate) => candidate !== null && !isUnshared(candidate)) ?? null
      if (key === null) return alone(everyone, circle)
      const ahead = flying.get(key)
      if (ahead !== undefined) {
        const forMs = ahead.startedAtMs + waitMs - now()
        return forMs > 0 ? { kind: 'waits', landed: ahead.landed, forMs } : alone(everyone, circle)
      }
      const { promise: landed, resolve } = Promise.withResolvers<Landing>()
      flying.set(key, { landed, startedAtMs: now() })
      return {
        kind: 'leads',
        flight: {
          land(landing) {
            if (flying.get(key)?.landed !== landed) return
            flying.delete(key)
            learn(everyone, circle, landing)
            resolve(landing)
          },
        },
      }
    },
  }
}
