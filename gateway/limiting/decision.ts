import type { WindowState } from './admission.ts'
import type { Policy } from './policy.ts'

/** Who decided: the shared store, the memory of known denials, or a gateway alone while its store is away. */
export type Tier = 'store' | 'memory' | 'degraded'

/** The verdict on one call, whichever tier gave it. */
export type Decision =
  | { readonly kind: 'allowed'; readonly tier: Tier; readonly windows: readonly WindowState[] }
  | {
      readonly kind: 'denied'
      readonly tier: Tier
      readonly windows: readonly WindowState[]
      readonly retryAfterMs: number
    }
  | { readonly kind: 'session-ended'; readonly tier: Tier }
  /** The store is away, and these policies say `closed`. */
  | { readonly kind: 'store-away'; readonly tier: 'degraded'; readonly closed: readonly Policy[] }
