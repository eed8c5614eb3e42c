import type { Meter, MeterLook } from './meter.ts'

/** More than this ahead of now, a log's newest call says that the clock has stepped back. */
const stepBack = 1_000_000

/**
 * The exact log: the time of every admitted call of the window. A call made at `t` is in the window
 * until `t + window`, exclusive. Calls of one instant are told apart by a microsecond each.
 */
export function createSlidingWindow(): Meter {
  // Oldest first, from `head` on.
  let times: number[] = []
  let head = 0

  const newest = (): number => times.at(-1) ?? Number.NEGATIVE_INFINITY

  /**
   * A clock that stepped back would keep calls in the window for longer than it lasts. So the log
   * moves back with it, distances kept: nobody is admitted twice, nobody waits longer than one window.
   */
  function rebase(now: number): void {
    const step = newest() - now
    if (step > stepBack) times = times.map((time) => time - step)
  }

  function compact(): void {
    if (head < 32 || head * 2 < times.length) return
    times = times.slice(head)
    head = 0
  }

  function forget(now: number, window: number): void {
    rebase(now)
    while (head < times.length && (times[head] as number) <= now - window) head++
    compact()
  }

  return {
    look(now, { quota, window }, cost): MeterLook {
      forget(now, window)
      const used = times.length - head
      const free = Math.max(0, quota - used)
      if (cost > quota) return { free, reset: window }
      if (used === 0) return { free, reset: 0 }
      // The call that must go for `cost` to fit; when it fits, the next to go.
      const mustGo = cost <= free ? head : times.length - 1 - (quota - cost)
      return { free, reset: (times[mustGo] as number) + window - now }
    },
    take(now, _limit, cost) {
      const receipt = Math.max(now, newest() + 1)
      for (let place = 0; place < cost; place++) times.push(receipt + place)
      return receipt
    },
    giveBack(_now, _limit, cost, receipt) {
      const isOurs = (time: number): boolean => time >= receipt && time < receipt + cost
      times = times.slice(head).filter((time) => !isOurs(time))
      head = 0
    },
    insert(at, _limit, cost) {
      times = times.slice(head)
      head = 0
      for (let place = 0; place < cost; place++) times.push(at)
      times.sort((a, b) => a - b)
      // From the oldest on, a microsecond between any two, as `take` keeps them.
      for (let i = 1; i < times.length; i++) {
        times[i] = Math.max(times[i] as number, (times[i - 1] as number) + 1)
      }
    },
    keepNewest(places) {
      head = Math.max(head, times.length - places)
    },
    timeline(now, { quota, window }, most) {
      forget(now, window)
      // After a quota was lowered, the first to go free nothing yet.
      const from = Math.max(head, times.length - quota)
      return times.slice(from, from + most).map((time) => time + window - now)
    },
    isIdle: (now, { window }) => newest() <= now - window,
  }
}
