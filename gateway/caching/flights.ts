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
  | { readonly kind: 'waits'; readonly landed: Promise<Landing> }
  /** Nothing worth waiting for, as far as is known. */
  | { readonly kind: 'alone'; readonly flight: Flight }

export interface Flights {
  /**
   * @param everyone key under which callers could share one answer
   * @param circle key under which only those of one circle could; null when nothing is kept for it
   */
  board(everyone: string, circle: string | null): Boarding
}

const mostRemembered = 10_000
/** How long it is remembered that a key gave nothing to share. */
const rememberedMs = 60_000

/**
 * Makes one question to the app of many equal ones: the first asks, the others wait for what it keeps. What turned
 * out to be nobody else's is remembered, so that callers of private answers do not queue for each other.
 */
export function createFlights(now: () => number = () => performance.now()): Flights {
  const flying = new Map<string, Promise<Landing>>()
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

  return {
    board(everyone, circle) {
      const key = [everyone, circle].find((candidate) => candidate !== null && !isUnshared(candidate)) ?? null
      if (key === null)
        return { kind: 'alone', flight: { land: (landing) => learn(everyone, circle, landing) } }
      const ahead = flying.get(key)
      if (ahead !== undefined) return { kind: 'waits', landed: ahead }
      const { promise, resolve } = Promise.withResolvers<Landing>()
      flying.set(key, promise)
      return {
        kind: 'leads',
        flight: {
          land(landing) {
            if (flying.get(key) !== promise) return
            flying.delete(key)
            learn(everyone, circle, landing)
            resolve(landing)
          },
        },
      }
    },
  }
}
