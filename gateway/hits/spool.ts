import type { Hit } from './hit.ts'
import type { AccountCalls, HitBatch, ServiceCalls } from './hits.ts'

export interface Spool {
  /** How many calls wait to be counted. */
  readonly size: number
  /** Returns how many older calls lost their details to make room: 0 nearly always. */
  push(hit: Hit): number
  /** Folded counts of at most `most` accounts while there are any, then the oldest `most` calls in detail. */
  take(most: number): SpoolBatch
}

/** `calls` is by how much the spool became smaller. */
export interface SpoolBatch extends Pick<HitBatch, 'services' | 'accounts' | 'recent'> {
  readonly calls: number
}

/**
 * Holds at most `limit` calls in detail. When it is full, the oldest tenth is folded into counts by
 * service and by account, so nothing is lost but the details; counts grow with accounts, not with calls.
 */
export function createSpool(limit: number): Spool {
  const hits: Hit[] = []
  const folded = createTally()

  return {
    get size() {
      return hits.length + folded.calls
    },

    push(hit) {
      hits.push(hit)
      if (hits.length <= limit) return 0
      const oldest = hits.splice(0, Math.ceil(limit / 10))
      for (const old of oldest) folded.add(old)
      return oldest.length
    },

    take(most) {
      if (folded.calls > 0) return folded.take(most)
      const recent = hits.splice(0, most)
      const tally = createTally()
      for (const hit of recent) tally.add(hit)
      return { ...tally.take(most), recent }
    },
  }
}

/** Accounts of other issuers (`campus:7`) have no name to be ranked under, and there may be any number of them. */
const isOwn = (accountId: string): boolean => !accountId.includes(':')

function createTally() {
  let calls = 0
  const byService = new Map<string, number>()
  const byAccount = new Map<string, number>()
  return {
    get calls() {
      return calls
    },

    add({ service, accountId }: Hit): void {
      calls++
      byService.set(service, (byService.get(service) ?? 0) + 1)
      if (accountId !== null && isOwn(accountId))
        byAccount.set(accountId, (byAccount.get(accountId) ?? 0) + 1)
    },

    /** A part's calls are those of its accounts; the last part also takes the services and the anonymous calls. */
    take(most: number): SpoolBatch {
      const accounts: AccountCalls[] = []
      let taken = 0
      for (const [accountId, count] of byAccount) {
        if (accounts.length === most) break
        accounts.push({ accountId, calls: count })
        byAccount.delete(accountId)
        taken += count
      }
      const services: ServiceCalls[] = []
      if (byAccount.size === 0) {
        for (const [service, count] of byService) services.push({ service, calls: count })
        byService.clear()
        taken = calls
      }
      calls -= taken
      return { calls: taken, services, accounts, recent: [] }
    },
  }
}
