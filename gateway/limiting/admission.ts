import type { Policy } from './policy.ts'

/** One window that a call must find room in. */
export interface WindowRequest {
  readonly policy: Policy
  /** Whose window, as `subject.ts` says: `u:42`. */
  readonly subject: string
  /** The policy's name, with its route or service when each of them has a window of its own. */
  readonly bucket: string
  /** What this caller's plan allows; a boost in the store wins. */
  readonly quota: number
  /** Places the call takes; at least 1. */
  readonly cost: number
  /** Observed only: it neither denies nor is hidden by a denial of others. */
  readonly isShadow: boolean
}

export interface AdmissionRequest {
  /** The session that must be alive, or null for a call without one. */
  readonly session: { readonly accountId: string; readonly sessionId: string } | null
  readonly windows: readonly WindowRequest[]
  /** Names the call among those that run at once. */
  readonly callId: string
}

/** A window after the decision. */
export interface WindowState {
  readonly request: WindowRequest
  readonly hasRoom: boolean
  /** Denied because of too many denials before. */
  readonly isBanned: boolean
  /** With a boost. */
  readonly quota: number
  readonly remaining: number
  /** With room: until one more place is free (0 when all are). Without: until this call has room. */
  readonly resetMs: number
  /** What `settle` needs to find this very entry again; 0 when the call was not counted. */
  readonly receipt: number
}

/** What a store answers. A denied call is counted in no window that does not ask for it. */
export type Admission =
  | { readonly kind: 'allowed'; readonly windows: readonly WindowState[] }
  | { readonly kind: 'denied'; readonly windows: readonly WindowState[]; readonly retryAfterMs: number }
  | { readonly kind: 'session-ended' }

/** Places taken by an admitted call, to be given back, or more to be taken for what it has cost. */
export interface Settlement {
  readonly window: WindowState
  readonly callId: string
  /** `refund` gives the entry back, `release` ends a running call, `charge` takes `places` more. */
  readonly act:
    | { readonly kind: 'refund' }
    | { readonly kind: 'release' }
    | { readonly kind: 'charge'; readonly places: number }
}

/** A call that was admitted `agoMs` ago while the store was away. */
export interface Replayed {
  readonly window: WindowRequest
  readonly agoMs: number
}

/**
 * Decides in one step whether the session is alive and every window has room, and counts the call
 * in all of them or in none. Every method rejects when the store cannot answer within its deadline;
 * it may then have been carried out all the same.
 */
export interface AdmissionStore {
  admit(request: AdmissionRequest): Promise<Admission>
  /** The same windows without counting anything; `kind` says what a call now would get. */
  look(request: AdmissionRequest): Promise<Admission>
  /**
   * When the places in use become free again, soonest first and at most `most` of them: milliseconds
   * from now. A log knows them all; of the other algorithms only the next is known, or none.
   *
   * @param window as `look` has just answered it
   */
  timeline(window: WindowState, most: number): Promise<readonly number[]>
  /** Exactly once, however often it is sent. */
  settle(settlements: readonly Settlement[]): Promise<void>
  /** Counts calls that others admitted, at the time they were made. */
  replay(calls: readonly Replayed[]): Promise<void>
  /** Forgets the window, its boost and its ban. */
  reset(window: WindowRequest): Promise<void>
  /** Another quota for this subject, for so long. */
  boost(window: WindowRequest, quota: number, forMs: number): Promise<void>
  /** How long the boost still lasts; 0 when there is none. */
  boostLeftMs(window: WindowRequest): Promise<number>
}

/** A denied call passes when the last of the full windows has room for it; the others have it already. */
export function retryAfterMs(windows: readonly WindowState[]): number {
  return Math.max(...windows.filter(isViolated).map((window) => window.resetMs))
}

/** The timeline of a window that keeps no times, or of which they matter less than its ban. */
export function nextFreeMs({ request, isBanned, resetMs }: WindowState): readonly number[] {
  if (resetMs === 0 || (request.policy.algorithm === 'concurrent' && !isBanned)) return []
  return [resetMs]
}

export const isViolated = (window: WindowState): boolean => !window.hasRoom && !window.request.isShadow
