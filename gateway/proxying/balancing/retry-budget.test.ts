import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RetryBudget } from './retry-budget.ts'

const taken = (budget: RetryBudget, tries: number, nowMs: number): number =>
  Array.from({ length: tries }, () => budget.take(nowMs)).filter(Boolean).length

it('is a share of the recent calls', () => {
  const budget = new RetryBudget(0.1)
  for (let i = 0; i < 1_000; i++) budget.called(0)
  expect(taken(budget, 500, 4_999)).toBe(100)
  expect(taken(budget, 500, 9_999)).toBe(0)
})

it('is never less than fifty, for upstreams that are seldom called, and none at all at 0 %', () => {
  expect(taken(new RetryBudget(0.1), 90, 0)).toBe(50)
  expect(taken(new RetryBudget(0), 50, 0)).toBe(0)
})

it('forgets both calls and retries after ten seconds', () => {
  const budget = new RetryBudget(0.1)
  for (let i = 0; i < 1_000; i++) budget.called(0)
  taken(budget, 500, 0)
  expect(taken(budget, 500, 10_000)).toBe(50)
})

it('never gives out more than its share, or fifty, in two buckets, whatever comes when', () => {
  const arrivals = fc.array(fc.tuple(fc.nat(3_000), fc.nat(400), fc.nat(60)), { maxLength: 40 })
  fc.assert(
    fc.property(arrivals, (arrivals) => {
      const budget = new RetryBudget(0.1)
      const seen: { atMs: number; calls: number; retries: number }[] = []
      let atMs = 0
      for (const [passedMs, calls, tries] of arrivals) {
        atMs += passedMs
        for (let i = 0; i < calls; i++) budget.called(atMs)
        const retries = taken(budget, tries, atMs)
        seen.push({ atMs, calls, retries })
        if (retries === 0) continue
        const recent = seen.filter((one) => Math.floor(one.atMs / 5_000) >= Math.floor(atMs / 5_000) - 1)
        const sum = (of: 'calls' | 'retries') => recent.reduce((all, one) => all + one[of], 0)
        expect(sum('retries')).toBeLessThanOrEqual(Math.max(50, 0.1 * sum('calls')))
      }
    }),
  )
})
