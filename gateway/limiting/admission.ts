import type { Policy } from './policy.ts'

/** One window that a call must find room in. `subject` is a bounded key made by `subject.ts`, such as `u:42`. */
export interface WindowRequest {
  readonly policy: Policy
  readonly subject: string
}

export interface AdmissionRequest {
  /** The session that must be alive, or null for a call without one. */
  readonly session: { readonly accountId: string; readonly sessionId: string } | null
  readonly windows: readonly WindowRequest[]
}

/** A window after the decision. `resetMs` is how long until it has one more free place (0 when it is empty). */
export interface WindowState {
  readonly policy: Policy
  readonly hasRoom: boolean
  readonly remaining: number
  readonly resetMs: number
}

/** What a store answers. A denied call is counted in no window. */
export type Admission =
  | { readonly kind: 'allowed'; readonly windows: readonly WindowState[] }
  | { readonly kind: 'denied'; readonly windows: readonly WindowState[]; readonly retryAfterMs: number }
  | { readonly kind: 'session-ended' }

/**
 * Decides in one step whether the session is alive and every window has room, and counts the call
 * in all of them or in none. Rejects when the store cannot answer within its deadline; the call
 * may then have been counted all the same.
 */
export interface AdmissionStore {
  admit(request: AdmissionRequest): Promise<Admission>
}

/** A denied call passes when the last of the full windows has a free place; the others have one already. */
export function retryAfterMs(windows: readonly WindowState[]): number {
  return Math.max(...windows.map((window) => (window.hasRoom ? 0 : window.resetMs)))
}
