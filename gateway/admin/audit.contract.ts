import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuditEntry, type AuditTrail, longestReason } from './audit.ts'

export interface AuditBench extends AsyncDisposable {
  readonly trail: AuditTrail
}

const boost: AuditEntry = {
  ...{ atMs: 1_795_000_000_123, via: 'CLI', peer: '127.0.0.1', action: 'boost', subject: 'u:42' },
  ...{ policy: 'calls', quota: 100, forSeconds: 34_560_000, reason: 'exposé de Zoé – « vélos » 🚲' },
}
const reset: AuditEntry = {
  ...{
    atMs: 1_795_000_000_124,
    via: 'admin API',
    peer: '2001:db8::1',
    action: 'reset',
    subject: 'a:192.0.2.7',
  },
  ...{ policy: null, quota: null, forSeconds: null, reason: '' },
}

/** What every home of the audit trail promises. */
export function auditContract(home: string, open: () => Promise<AuditBench>): void {
  describe(`the audit trail in ${home}`, () => {
    let bench: AuditBench
    beforeEach(async () => {
      bench = await open()
    })
    afterEach(() => bench[Symbol.asyncDispose]())

    it('is empty at first', async () => {
      expect(await bench.trail.recent(10)).toEqual([])
    })

    it('gives back what was done, newest first, and no more than asked for', async () => {
      await bench.trail.record(boost)
      await bench.trail.record(reset)
      expect(await bench.trail.recent(10)).toEqual([reset, boost])
      expect(await bench.trail.recent(1)).toEqual([reset])
    })

    it('tells what was done to accounts and sessions', async () => {
      const actions = ['create-account', 'change-account', 'delete-account', 'end-sessions'] as const
      for (const action of actions) await bench.trail.record({ ...reset, action })
      const told = await bench.trail.recent(10)
      expect(told.map(({ action }) => action)).toEqual(actions.toReversed())
    })

    it('keeps the order of what was done in one millisecond, or with a clock that stepped back', async () => {
      await bench.trail.record(boost)
      await bench.trail.record({ ...reset, atMs: boost.atMs })
      await bench.trail.record({ ...boost, atMs: boost.atMs - 3_600_000, reason: 'third' })
      const reasons = (await bench.trail.recent(10)).map(({ reason }) => reason)
      expect(reasons).toEqual(['third', '', boost.reason])
    })

    it('keeps the longest reason and subject whole, quotes and all', async () => {
      const entry = {
        ...boost,
        reason: '\'"\\`--'.repeat(100).slice(0, longestReason),
        subject: `u:${'é'.repeat(998)}`,
      }
      await bench.trail.record(entry)
      expect(await bench.trail.recent(1)).toEqual([entry])
    })
  })
}
