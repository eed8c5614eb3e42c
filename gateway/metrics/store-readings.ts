import type { Gauge } from 'prom-client'
import type { Instruments } from './instruments.ts'
import { onScrape } from './process-metrics.ts'
import { type SampleOptions, sampled } from './sampled.ts'

/** What a scrape asks of the stores. Any of them may reject or hang: the series are then absent. */
export interface StoreReadings extends SampleOptions {
  /** Calls recorded here and not yet counted; needs no store. */
  hitsPending(): number
  sessions(): Promise<number>
  /** Newest first, `email` being the label. */
  recentLogins(limit: number): Promise<readonly { readonly email: string; readonly atMs: number }[]>
  topLogins(
    days: number,
    limit: number,
  ): Promise<readonly { readonly email: string; readonly logins: number }[]>
  leastActive(limit: number): Promise<readonly { readonly email: string; readonly calls: number }[]>
  /** By store, since it started; null for one that never throws keys away. */
  readonly evictedKeys: Readonly<Record<string, (() => Promise<number>) | null>>
}

export function readStoresOnScrape(instruments: Instruments, readings: StoreReadings): void {
  const { sessions, hitsPending, recentLogin, topLogins, leastActive, evictedKeys } = instruments
  onScrape(hitsPending, () => hitsPending.set(readings.hitsPending()))

  const countSessions = sampled(() => readings.sessions(), readings)
  onScrape(sessions, async () => {
    const count = await countSessions()
    if (count === null) sessions.remove()
    else sessions.set(count)
  })

  list(
    recentLogin,
    sampled(() => readings.recentLogins(10), readings),
    (login) => login.atMs / 1000,
  )
  list(
    topLogins,
    sampled(() => readings.topLogins(3, 3), readings),
    (login) => login.logins,
  )
  list(
    leastActive,
    sampled(() => readings.leastActive(10), readings),
    (account) => account.calls,
  )

  const evicted = Object.entries(readings.evictedKeys).flatMap(([store, read]) =>
    read === null ? [] : [{ store, sample: sampled(read, readings) }],
  )
  onScrape(evictedKeys, async () => {
    const counts = await Promise.all(
      evicted.map(async ({ store, sample }) => ({ store, count: await sample() })),
    )
    evictedKeys.reset()
    for (const { store, count } of counts) if (count !== null) evictedKeys.set({ store }, count)
  })
}

/** Shows the rows of now and no others: an account that left the list leaves the series too. */
function list<Row extends { readonly email: string }>(
  gauge: Gauge<'account'>,
  sample: () => Promise<readonly Row[] | null>,
  measure: (row: Row) => number,
): void {
  onScrape(gauge, async () => {
    const rows = await sample()
    gauge.reset()
    for (const row of rows ?? []) gauge.set({ account: row.email }, measure(row))
  })
}
