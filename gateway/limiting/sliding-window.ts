/**
 * The exact log of one window: the times of the admitted calls, oldest first from `head` on.
 * Times are numbers of any unit, as long as the window has the same.
 */
export interface WindowLog {
  times: number[]
  head: number
}

export interface WindowLook {
  readonly hasRoom: boolean
  /** Free places, never negative. */
  readonly remaining: number
  /** Time until there is one more free place, 0 when the window is empty. */
  readonly reset: number
}

export const emptyLog = (): WindowLog => ({ times: [], head: 0 })

/**
 * Drops what has left the window that ends at `now` and says what is free. A call made at `t` is in
 * the window until `t + window`, exclusive. When the quota was lowered, the place that must become
 * free is that of the quota-th newest call, not of the oldest.
 */
export function lookAt(log: WindowLog, now: number, quota: number, window: number): WindowLook {
  rebase(log, now)
  while (log.head < log.times.length && (log.times[log.head] as number) <= now - window) log.head++
  compact(log)
  const used = log.times.length - log.head
  if (used === 0) return { hasRoom: true, remaining: quota, reset: 0 }
  const nextToGo = used >= quota ? log.times.length - quota : log.head
  const reset = (log.times[nextToGo] as number) + window - now
  return { hasRoom: used < quota, remaining: Math.max(0, quota - used), reset }
}

/** Counts a call at `now`; the caller has looked at the same `now` before. */
export function count(log: WindowLog, now: number): void {
  log.times.push(now)
}

export const newest = (log: WindowLog): number | undefined => log.times.at(-1)

/**
 * A clock that stepped back would keep calls in the window for longer than the window lasts. So the
 * log moves back with it: the newest call becomes `now`, the distances stay. Nobody is admitted
 * twice, since no call looks older than it is, and nobody waits longer than one window.
 */
function rebase(log: WindowLog, now: number): void {
  const last = newest(log)
  if (last === undefined || last <= now) return
  const step = last - now
  log.times = log.times.map((time) => time - step)
}

function compact(log: WindowLog): void {
  if (log.head < 32 || log.head * 2 < log.times.length) return
  log.times = log.times.slice(log.head)
  log.head = 0
}
