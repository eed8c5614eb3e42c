import type { Hit } from './hit.ts'

export interface ServiceCalls {
  readonly service: string
  readonly calls: number
}

export interface AccountCalls {
  readonly accountId: string
  readonly calls: number
}

export interface HitFilter {
  readonly accountId?: string
  readonly service?: string
  readonly limit: number
}

/**
 * Counts and recent calls, in Redis DB 1 (`hits.redis.ts`), an SQLite file (`hits.sqlite.ts`)
 * or in process (`hits.embedded.ts`). Every method rejects when the store cannot answer.
 */
export interface Hits {
  /** Counts the batch exactly once, however often it is sent: `batchId` is remembered for a day. */
  record(batchId: string, hits: readonly Hit[]): Promise<void>
  /** Every service ever called, most used first. */
  services(): Promise<ServiceCalls[]>
  /** Fewest calls first among accounts known here: those that called, and those announced with `announce`. */
  leastActive(limit: number): Promise<AccountCalls[]>
  /** Makes accounts known with 0 calls unless they are already; returns nothing. */
  announce(accountIds: readonly string[]): Promise<void>
  /** Drops what is known of deleted accounts from the ranking. */
  forget(accountIds: readonly string[]): Promise<void>
  /** The last recorded calls (the store keeps at least 1,000), newest first. */
  recent(filter: HitFilter): Promise<Hit[]>
  ping(): Promise<void>
}
