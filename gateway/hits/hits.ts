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
 * What one gateway process counted since its last batch. A sender's sequences grow, and it sends a
 * batch only once the one before was accepted; so one number per sender is enough to know a batch
 * that came twice (a key per batch would be 432,000 keys a day at five batches a second).
 */
export interface HitBatch {
  /** One random id per gateway process. */
  readonly sender: string
  /** From 1. */
  readonly sequence: number
  readonly services: readonly ServiceCalls[]
  readonly accounts: readonly AccountCalls[]
  /** The calls themselves, oldest first; fewer than counted when the recorder had to let details go. */
  readonly recent: readonly Hit[]
}

/** How many calls a home keeps in detail. */
export const recentCallsKept = 10_000

/**
 * Counts and recent calls, in Redis DB 1 (`hits.redis.ts`) or an SQLite database, in a file or in
 * process (`hits.sqlite.ts`). Every method rejects when the store cannot answer.
 */
export interface Hits {
  /** Counts the batch once, however often it is sent within a day; may have done so even if it rejects. */
  record(batch: HitBatch): Promise<void>
  /** Every service ever called, most used first, then by name. */
  services(): Promise<ServiceCalls[]>
  /** Fewest calls first, then by id as text, among accounts that called or were announced. */
  leastActive(limit: number): Promise<AccountCalls[]>
  /** Makes accounts known with 0 calls unless they are already. */
  announce(accountIds: readonly string[]): Promise<void>
  /** Drops deleted accounts from the ranking. */
  forget(accountIds: readonly string[]): Promise<void>
  /** The last recorded calls (`recentCallsKept` of them are searched), newest first. */
  recent(filter: HitFilter): Promise<Hit[]>
  ping(): Promise<void>
}
