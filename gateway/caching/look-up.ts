import type { CacheableRequest } from './cache-request.ts'
import { type Found, findStored } from './find-stored.ts'
import type { Flight, Flights, Landing } from './flights.ts'
import type { Responses } from './responses.ts'
import { type Usability, usabilityOf } from './usability.ts'

/** What the cache can do for a request. */
export type Look =
  /** A stored answer may be given. `isNew`: this request has waited for it. */
  | {
      readonly kind: 'usable'
      readonly found: Found
      readonly usability: Exclude<Usability, { kind: 'to-validate' }>
      readonly isNew: boolean
    }
  /** The app has to be asked, about what is held or from scratch. */
  | { readonly kind: 'ask'; readonly found: Found | null; readonly flight: Flight | null }

export interface LookUpOptions {
  readonly responses: Responses
  readonly flights: Flights
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Longest wait for answers that other requests are asking for, and for one of them. */
export const waitMs = 10_000

/** Looks for a stored answer, and waits for one while somebody else asks the app the same. */
export async function lookUp(options: LookUpOptions, request: CacheableRequest): Promise<Look> {
  const { responses, flights, now } = options
  const untilMs = performance.now() + waitMs
  // Whoever wants news, or no body, asks alone; only-if-cached asks nobody.
  const isAlone =
    request.isHead || ['no-cache', 'max-age', 'only-if-cached'].some((name) => request.directives.has(name))
  let isNew = false
  for (;;) {
    const { found, everyone, circle } = await findStored(responses, request)
    const usability = found === null ? null : usabilityOf(found.response, request.directives, now())
    if (found !== null && usability !== null && usability.kind !== 'to-validate')
      return { kind: 'usable', found, usability, isNew }
    if (isAlone) return { kind: 'ask', found, flight: null }
    const boarding = flights.board(everyone, circle)
    if (boarding.kind !== 'waits') return { kind: 'ask', found, flight: boarding.flight }
    const landing = await within(Math.min(boarding.forMs, untilMs - performance.now()), boarding.landed)
    if (landing === null || landing.kind === 'not-shared' || landing.kind === 'lost')
      return { kind: 'ask', found, flight: null }
    isNew = landing.kind === 'kept'
  }
}

/** Null when it took longer. */
async function within(ms: number, landed: Promise<Landing>): Promise<Landing | null> {
  const { promise, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(resolve, Math.max(0, ms), null)
  try {
    return await Promise.race([landed, promise])
  } finally {
    clearTimeout(timer)
  }
}
