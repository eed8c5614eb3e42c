import { DatabaseSync } from 'node:sqlite'
import { expect, test, vi } from 'vitest'
import { batchOf, hitAt } from './hits.contract.ts'
import { createSqliteHits } from './hits.sqlite.ts'
import { createStatistics, type Person, type StatisticsAccounts } from './statistics.ts'

const person = (id: string): Person => ({
  id,
  firstName: `First ${id}`,
  lastName: `Last ${id}`,
  email: `u${id}@example.org`,
})

/** As the stores give it: with members that nobody outside may see. */
const stored = (id: string) => ({ ...person(id), role: 'admin', isActive: true })

function accountsOf(people: Map<string, Person>): StatisticsAccounts {
  const sorted = () => [...people.values()].toSorted((a, b) => Number(a.id) - Number(b.id))
  return {
    findByIds: async (ids) => sorted().filter(({ id }) => ids.includes(id)),
    list: vi.fn(async (afterId: string, limit: number) =>
      sorted()
        .filter(({ id }) => Number(id) > Number(afterId))
        .slice(0, limit),
    ),
    recentLogins: async (limit) =>
      [
        { account: stored('2'), atMs: Date.parse('2026-05-01T10:00:00Z') },
        { account: stored('1'), atMs: Date.parse('2026-05-01T09:00:00Z') },
      ].slice(0, limit),
    topLogins: vi.fn(async () => [{ account: stored('1'), logins: 9 }]),
  }
}

function open(ids: string[]) {
  const people = new Map(ids.map((id) => [id, stored(id)]))
  const accounts = accountsOf(people)
  const hits = createSqliteHits(new DatabaseSync(':memory:'))
  let nowMs = Date.parse('2026-05-04T12:00:00Z')
  const statistics = createStatistics({ accounts, hits, services: ['vente', 'achat'], now: () => nowMs })
  return { people, accounts, hits, statistics, advance: (ms: number) => (nowMs += ms) }
}

test('recent logins show who and when, and nothing else of the account', async () => {
  const { statistics } = open([])
  expect(await statistics.recentLogins(10)).toEqual([
    { account: person('2'), at: '2026-05-01T10:00:00.000Z' },
    { account: person('1'), at: '2026-05-01T09:00:00.000Z' },
  ])
  expect(await statistics.recentLogins(1)).toHaveLength(1)
})

test('top logins look back the asked number of days', async () => {
  const { statistics, accounts } = open([])
  expect(await statistics.topLogins(3, 5)).toEqual([{ account: person('1'), logins: 9 }])
  expect(accounts.topLogins).toHaveBeenCalledWith(Date.parse('2026-05-01T12:00:00Z'), 5)
})

test('accounts that never called are the least active', async () => {
  const { statistics, hits, people } = open(['7', '42'])
  await hits.record(batchOf(1))
  expect(await statistics.leastActive(10)).toEqual([
    { account: person('7'), calls: 0 },
    { account: person('42'), calls: 2 },
  ])
  people.set('43', stored('43'))
  expect(await statistics.leastActive(2)).toEqual([
    { account: person('43'), calls: 0 },
    { account: person('7'), calls: 0 },
  ])
})

test('an account that vanished leaves the list, and another takes its place', async () => {
  const { statistics, hits, people } = open(['1', '2', '3'])
  await statistics.leastActive(10)
  people.delete('1')
  expect(await statistics.leastActive(2)).toEqual([
    { account: person('2'), calls: 0 },
    { account: person('3'), calls: 0 },
  ])
  expect(await hits.leastActive(10)).toHaveLength(2)
})

test('every account is announced once, a thousand at a time', async () => {
  const { statistics, hits, accounts } = open(Array.from({ length: 2_500 }, (_, index) => String(index + 1)))
  const announce = vi.spyOn(hits, 'announce')
  await Promise.all([statistics.leastActive(10), statistics.leastActive(10)])
  expect(announce.mock.calls.map(([ids]) => ids.length)).toEqual([1_000, 1_000, 500])
  await statistics.leastActive(10)
  expect(announce).toHaveBeenCalledTimes(3)
  expect(accounts.list).toHaveBeenLastCalledWith('2500', 1_000)
})

test('a store of hits that was emptied learns of all accounts again within the hour', async () => {
  const { statistics, hits, advance } = open(['1', '2'])
  await statistics.leastActive(10)
  await hits.forget(['1', '2'])
  expect(await statistics.leastActive(10)).toEqual([])
  advance(3_600_001)
  expect(await statistics.leastActive(10)).toHaveLength(2)
})

test('services include the configured ones that nobody called, and those no longer configured', async () => {
  const { statistics, hits } = open([])
  await hits.record(batchOf(1, { services: [{ service: 'location', calls: 3 }] }))
  expect(await statistics.services()).toEqual([
    { service: 'location', calls: 3 },
    { service: 'achat', calls: 0 },
    { service: 'vente', calls: 0 },
  ])
})

test('the last calls name their callers, as far as these still exist', async () => {
  const { statistics, hits } = open(['42'])
  const recent = [hitAt(1, { accountId: null }), hitAt(2, { accountId: '9' }), hitAt(3)]
  await hits.record(batchOf(1, { recent }))
  const call = { service: 'vente', method: 'GET', path: '/services/vente', status: 200, durationMs: 3 }
  expect(await statistics.recentCalls({ limit: 10 })).toEqual([
    { at: '1970-01-01T00:00:00.003Z', accountId: '42', account: person('42'), ...call },
    { at: '1970-01-01T00:00:00.002Z', accountId: '9', account: null, ...call },
    { at: '1970-01-01T00:00:00.001Z', accountId: null, account: null, ...call },
  ])
})
