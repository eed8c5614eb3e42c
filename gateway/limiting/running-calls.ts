import type { Meter } from './meter.ts'

/** Nobody knows when a running call ends, so who finds no room is told to ask again in a second. */
const askAgain = 1_000_000

/** Calls that run at once. A call that never says it has ended stops counting after the window. */
export function createRunningCalls(): Meter {
  const expiries = new Map<string, number>()

  function forget(now: number): void {
    for (const [lease, expiry] of expiries) if (expiry <= now) expiries.delete(lease)
  }

  return {
    look(now, { quota }, cost) {
      forget(now)
      const free = Math.max(0, quota - expiries.size)
      return { free, reset: free === quota && cost <= quota ? 0 : askAgain }
    },
    take(now, { window }, cost, lease) {
      for (let place = 1; place <= cost; place++) expiries.set(`${lease}/${place}`, now + window)
      return now
    },
    giveBack(_now, _limit, cost, _receipt, lease) {
      for (let place = 1; place <= cost; place++) expiries.delete(`${lease}/${place}`)
    },
    // A call that ran elsewhere while the store was away tells nobody here when it ends.
    insert() {},
    isIdle(now) {
      forget(now)
      return expiries.size === 0
    },
  }
}
