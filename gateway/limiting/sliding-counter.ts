import type { Meter, MeterLimit } from './meter.ts'

/**
 * Two numbers instead of a log: the calls of this bucket of time and of the one before, of which the
 * share that still lies in the window counts. It takes calls to be spread evenly over the older bucket.
 */
export function createSlidingCounter(): Meter {
  let bucket = 0
  let calls = 0
  let before = 0

  function turn(now: number, window: number): number {
    const index = Math.floor(now / window)
    if (bucket === index - 1) [before, calls] = [calls, 0]
    else if (bucket < index) [before, calls] = [0, 0]
    // A clock that stepped back keeps the counts and takes them for calls of now.
    bucket = index
    return now - index * window
  }

  return {
    look(now, { quota, window }, cost) {
      const passed = turn(now, window)
      const used = (before * (window - passed)) / window + calls
      const free = Math.max(0, Math.floor(quota - used))
      if (used === 0) return { free: quota, reset: cost <= quota ? 0 : window }
      const target = quota - (cost <= free ? free + 1 : cost)
      if (target < 0) return { free, reset: window }
      if (calls <= target && before > 0) {
        return { free, reset: Math.max(1, Math.ceil(window * (1 - (target - calls) / before) - passed)) }
      }
      const after = calls > target ? window * (1 - target / calls) : 0
      return { free, reset: Math.max(1, Math.ceil(window - passed + after)) }
    },
    take(now, { window }, cost) {
      turn(now, window)
      calls += cost
      return now
    },
    giveBack(_now, { window }, cost, receipt) {
      const index = Math.floor(receipt / window)
      if (bucket === index) calls -= cost
      else if (bucket === index + 1) before -= cost
    },
    insert(_at, _limit, cost) {
      calls += cost
    },
    isIdle: (now, { window }: MeterLimit) => bucket < Math.floor(now / window) - 1,
  }
}
