/** What a policy does for a call while its store cannot answer. */
export type WhenStoreIsDown = 'local' | 'open' | 'closed'

/**
 * How calls are counted. `log` is exact; `counter` keeps two numbers, for very large quotas, and may
 * err by a few percent; `gcra` (GCRA) spaces calls evenly after a burst; `concurrent` limits the
 * calls that run at once.
 */
export type Algorithm = 'log' | 'counter' | 'gcra' | 'concurrent'

/**
 * Whose calls share one window: the connected user, the client address, the account named at login,
 * the role, or the value of a request header. Several together: each combination has its own.
 */
export type PolicyKey = 'user' | 'address' | 'account' | 'role' | `header:${string}`

/** What happens to a call that lacks the header a policy counts by. */
export type WhenKeyIsMissing = 'deny' | 'address' | 'skip'

/** Which calls share a window beyond the subject: all of the policy's, or each route or service alone. */
export type Scope = 'policy' | 'route' | 'service'

/** Outcomes after which a call's places are given back. */
export type RefundReason = '502' | '503' | '504' | 'aborted' | 'cached'

/** Growing bans for callers who go on after so many denials. */
export interface BanRule {
  /** Denials within the policy's window that lead to a ban. */
  readonly afterDenials: number
  /** The first ban; each further one lasts twice as long. */
  readonly forMs: number
  readonly atMostMs: number
}

/** At most `quota` calls in any trailing window of `windowMs`; what each further field adds is off by default. */
export interface Policy {
  readonly name: string
  readonly algorithm: Algorithm
  readonly quota: number
  /** For `concurrent`: after this long a call no longer counts as running. */
  readonly windowMs: number
  /** For `gcra`: calls that may come at once. */
  readonly burst: number
  /** Quotas by plan or role that differ from `quota`. */
  readonly quotas: Readonly<Record<string, number>>
  readonly by: readonly PolicyKey[]
  readonly whenKeyIsMissing: WhenKeyIsMissing
  readonly scope: Scope
  /** Response header in which the app says what the call has cost. */
  readonly costHeader: string | null
  readonly countsDenied: boolean
  readonly refund: readonly RefundReason[]
  /** Of 100 subjects, how many it is enforced for; the others are only observed. 0 is a shadow policy. */
  readonly enforcePercent: number
  readonly ban: BanRule | null
  readonly whenStoreIsDown: WhenStoreIsDown
}

/** A policy with everything beyond its name, quota and window at its default. */
export function plainPolicy(
  name: string,
  quota: number,
  windowMs: number,
  changes: Partial<Policy> = {},
): Policy {
  return {
    name,
    algorithm: 'log',
    quota,
    windowMs,
    burst: quota,
    quotas: {},
    by: ['user'],
    whenKeyIsMissing: 'address',
    scope: 'policy',
    costHeader: null,
    countsDenied: false,
    refund: [],
    enforcePercent: 100,
    ban: null,
    whenStoreIsDown: 'local',
    ...changes,
  }
}
