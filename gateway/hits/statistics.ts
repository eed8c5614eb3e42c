import type { HitFilter, Hits, ServiceCalls } from './hits.ts'

/** An account as statistics show it. */
export interface Person {
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  readonly email: string
}

/** What statistics ask of the accounts' store. */
export interface StatisticsAccounts {
  findByIds(ids: readonly string[]): Promise<readonly Person[]>
  /** By ascending id, those after `afterId`. */
  list(afterId: string, limit: number): Promise<readonly Person[]>
  /** Newest first, each account once. */
  recentLogins(limit: number): Promise<readonly { readonly account: Person; readonly atMs: number }[]>
  /** Most logins first. */
  topLogins(
    sinceMs: number,
    limit: number,
  ): Promise<readonly { readonly account: Person; readonly logins: number }[]>
}

export interface StatisticsOptions {
  readonly accounts: StatisticsAccounts
  readonly hits: Pick<Hits, 'services' | 'leastActive' | 'announce' | 'forget' | 'recent'>
  /** Names of the configured services; one that was never called is shown with 0. */
  readonly services: readonly string[]
  /** Epoch milliseconds. */
  readonly now?: () => number
}

/** `account` is null for a call without a session, and for one of an account that is gone. */
export interface RecentCall {
  readonly at: string
  readonly accountId: string | null
  readonly account: Person | null
  readonly service: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
}

/** The four questions of the job, and the last calls. Each rejects when a store it needs cannot answer. */
export interface Statistics {
  recentLogins(limit: number): Promise<{ account: Person; at: string }[]>
  topLogins(days: number, limit: number): Promise<{ account: Person; logins: number }[]>
  leastActive(limit: number): Promise<{ account: Person; calls: number }[]>
  services(): Promise<ServiceCalls[]>
  recentCalls(filter: HitFilter): Promise<RecentCall[]>
}

const dayMs = 86_400_000
/** Announced again now and then, in case the store of hits was emptied. */
const announceAgainAfterMs = 3_600_000
const accountsPerPage = 1_000
/** Vanished accounts are dropped a list at a time; what is left after so many rounds waits for the next question. */
const mostRounds = 20

export function createStatistics({
  accounts,
  hits,
  services,
  now = Date.now,
}: StatisticsOptions): Statistics {
  let announcedUpTo = '0'
  let announcedAllAtMs = now()
  let announcing: Promise<void> | null = null

  /** Ids ascend, so those after the last one seen are the new ones. */
  async function announceNewAccounts(): Promise<void> {
    if (now() - announcedAllAtMs > announceAgainAfterMs) {
      announcedUpTo = '0'
      announcedAllAtMs = now()
    }
    for (;;) {
      const page = await accounts.list(announcedUpTo, accountsPerPage)
      const last = page.at(-1)
      if (last === undefined) return
      await hits.announce(page.map(({ id }) => id))
      announcedUpTo = last.id
      if (page.length < accountsPerPage) return
    }
  }

  async function peopleOf(ids: readonly string[]): Promise<Map<string, Person>> {
    const found = ids.length === 0 ? [] : await accounts.findByIds([...new Set(ids)])
    return new Map(found.map((account) => [account.id, personOf(account)]))
  }

  return {
    async recentLogins(limit) {
      const logins = await accounts.recentLogins(limit)
      return logins.map(({ account, atMs }) => ({
        account: personOf(account),
        at: new Date(atMs).toISOString(),
      }))
    },

    async topLogins(days, limit) {
      const counts = await accounts.topLogins(now() - days * dayMs, limit)
      return counts.map(({ account, logins }) => ({ account: personOf(account), logins }))
    },

    async leastActive(limit) {
      announcing ??= announceNewAccounts().finally(() => {
        announcing = null
      })
      await announcing
      for (let round = 0; ; round++) {
        const ranking = await hits.leastActive(limit)
        const people = await peopleOf(ranking.map(({ accountId }) => accountId))
        const rows = ranking.flatMap(({ accountId, calls }) => {
          const account = people.get(accountId)
          return account === undefined ? [] : [{ account, calls }]
        })
        if (rows.length === ranking.length || round === mostRounds) return rows
        const vanished = ranking.filter(({ accountId }) => !people.has(accountId))
        await hits.forget(vanished.map(({ accountId }) => accountId))
      }
    },

    async services() {
      const counted = await hits.services()
      const called = new Set(counted.map(({ service }) => service))
      const never = services.filter((service) => !called.has(service))
      return [...counted, ...never.toSorted().map((service) => ({ service, calls: 0 }))]
    },

    async recentCalls(filter) {
      const calls = await hits.recent(filter)
      const people = await peopleOf(calls.flatMap(({ accountId }) => accountId ?? []))
      return calls.map(({ atMs, accountId, ...call }) => ({
        at: new Date(atMs).toISOString(),
        accountId,
        account: people.get(accountId ?? '') ?? null,
        ...call,
      }))
    },
  }
}

/** Leaves out whatever else a store's accounts carry. */
const personOf = ({ id, firstName, lastName, email }: Person): Person => ({ id, firstName, lastName, email })
