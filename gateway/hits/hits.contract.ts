import { beforeEach, describe, expect, test } from 'vitest'
import type { Hit } from './hit.ts'
import { type HitBatch, type Hits, recentCallsKept } from './hits.ts'

export const hitAt = (atMs: number, changes: Partial<Hit> = {}): Hit => ({
  atMs,
  accountId: '42',
  service: 'vente',
  method: 'GET',
  path: '/services/vente',
  status: 200,
  durationMs: 3,
  ...changes,
})

export const batchOf = (sequence: number, changes: Partial<HitBatch> = {}): HitBatch => ({
  sender: 'gateway-1',
  sequence,
  services: [{ service: 'vente', calls: 2 }],
  accounts: [{ accountId: '42', calls: 2 }],
  recent: [hitAt(sequence * 10), hitAt(sequence * 10 + 1)],
  ...changes,
})

/** What every home of `Hits` promises. `open` gives one with nothing in it. */
export function hitsContract(name: string, open: () => Promise<Hits>): void {
  describe(`hits: ${name}`, () => {
    let hits: Hits
    beforeEach(async () => {
      hits = await open()
    })

    test('a store with nothing in it answers empty lists', async () => {
      expect(await hits.services()).toEqual([])
      expect(await hits.leastActive(10)).toEqual([])
      expect(await hits.recent({ limit: 10 })).toEqual([])
      await hits.announce([])
      await hits.forget([])
      await hits.ping()
    })

    test('a batch sent twice is counted once, a late copy of an older one too', async () => {
      await hits.record(batchOf(1))
      await hits.record(batchOf(1))
      await hits.record(batchOf(2))
      await hits.record(batchOf(1))
      expect(await hits.services()).toEqual([{ service: 'vente', calls: 4 }])
      expect(await hits.leastActive(10)).toEqual([{ accountId: '42', calls: 4 }])
      expect((await hits.recent({ limit: 10 })).map((hit) => hit.atMs)).toEqual([21, 20, 11, 10])
    })

    test('two gateways count side by side', async () => {
      await Promise.all([hits.record(batchOf(1)), hits.record(batchOf(1, { sender: 'gateway-2' }))])
      expect(await hits.services()).toEqual([{ service: 'vente', calls: 4 }])
    })

    test('a batch without details still counts', async () => {
      await hits.record(batchOf(1, { recent: [] }))
      expect(await hits.services()).toEqual([{ service: 'vente', calls: 2 }])
      expect(await hits.recent({ limit: 10 })).toEqual([])
    })

    test('services come most used first', async () => {
      await hits.record(
        batchOf(1, {
          services: [
            { service: 'achat', calls: 9 },
            { service: 'vente', calls: 10 },
            { service: 'location', calls: 9 },
          ],
        }),
      )
      expect(await hits.services()).toEqual([
        { service: 'vente', calls: 10 },
        { service: 'achat', calls: 9 },
        { service: 'location', calls: 9 },
      ])
    })

    test('announced accounts count 0, and announcing never takes calls away', async () => {
      await hits.record(batchOf(1))
      await hits.announce(['42', '7', '8'])
      expect(await hits.leastActive(10)).toEqual([
        { accountId: '7', calls: 0 },
        { accountId: '8', calls: 0 },
        { accountId: '42', calls: 2 },
      ])
      expect(await hits.leastActive(1)).toEqual([{ accountId: '7', calls: 0 }])
      expect(await hits.leastActive(0)).toEqual([])
    })

    test('a forgotten account leaves the ranking', async () => {
      await hits.announce(['7', '8'])
      await hits.forget(['7', '9'])
      expect(await hits.leastActive(10)).toEqual([{ accountId: '8', calls: 0 }])
    })

    test('thousands of accounts may be announced and forgotten at once', async () => {
      const ids = Array.from({ length: 2_500 }, (_, index) => String(10_000 + index))
      await hits.announce(ids)
      expect(await hits.leastActive(5_000)).toHaveLength(2_500)
      await hits.forget(ids.slice(1))
      expect(await hits.leastActive(5_000)).toEqual([{ accountId: '10000', calls: 0 }])
    })

    test('recent calls are found by account and by service, newest first', async () => {
      const first = hitAt(1, { accountId: null, service: 'achat' })
      const second = hitAt(2, { path: '/services/vente/é"\\\n', status: 503 })
      const third = hitAt(3, { service: 'achat' })
      await hits.record(batchOf(1, { recent: [first, second, third] }))
      expect(await hits.recent({ limit: 10 })).toEqual([third, second, first])
      expect(await hits.recent({ limit: 1 })).toEqual([third])
      expect(await hits.recent({ accountId: '42', limit: 10 })).toEqual([third, second])
      expect(await hits.recent({ service: 'achat', limit: 10 })).toEqual([third, first])
      expect(await hits.recent({ accountId: '42', service: 'achat', limit: 10 })).toEqual([third])
    })

    test('only the last calls are kept in detail', async () => {
      let sequence = 0
      for (let from = 0; from < recentCallsKept + 1_000; from += 1_000) {
        const recent = Array.from({ length: 1_000 }, (_, index) => hitAt(from + index))
        await hits.record(batchOf(++sequence, { recent }))
      }
      const kept = await hits.recent({ limit: recentCallsKept * 2 })
      expect(kept).toHaveLength(recentCallsKept)
      expect(kept[0]?.atMs).toBe(recentCallsKept + 999)
      expect(kept.at(-1)?.atMs).toBe(1_000)
    })
  })
}
