import type { Lifetime, ResponseHeaders } from './freshness.ts'

/** An answer as the app gave it, without what belonged to its connection or to one call. */
export interface StoredResponse {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly body: Buffer
  /** Epoch milliseconds. */
  readonly receivedAtMs: number
  /** How old it already was then. */
  readonly initialAgeMs: number
  readonly lifetime: Lifetime
}

export type Entry =
  | { readonly kind: 'response'; readonly response: StoredResponse }
  /** The answer depends on these fields of the request, or on all by which browsers differ: look under the variant. */
  | { readonly kind: 'varies'; readonly by: readonly string[] | null }

/** One answer to keep, under the key of its resource and that of its variant. */
export interface Keeping {
  readonly key: string
  readonly by: readonly string[] | null
  readonly variant: string
  readonly response: StoredResponse
  /** By which it can be purged; see `purge-group.ts`. */
  readonly groups: readonly string[]
  readonly keepMs: number
  /** How long ago the app was asked: what was purged since then must not come back. */
  readonly askedMsAgo: number
}

/**
 * Where answers are kept (`responses.embedded.ts`, `responses.redis.ts`): a bounded place that may forget anything at
 * any time. Every call rejects when the place is away.
 */
export interface Responses {
  /** In the order of the keys; null for what is not there. */
  find(keys: readonly string[]): Promise<(Entry | null)[]>
  /** @returns false when it was too large, or purged since the app was asked */
  keep(keeping: Keeping): Promise<boolean>
  forget(keys: readonly string[]): Promise<void>
  /** Takes away all of a group, now and what was asked for before now; resolves to how many answers are gone. */
  purge(group: string): Promise<number>
}

/** How long a purge is remembered, against answers still on their way: longer than an app may take to begin. */
export const purgeRememberedMs = 120_000
