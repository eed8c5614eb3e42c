import type { ShedReason } from './shed.step.ts'

export interface ShedNotesOptions {
  readonly count: (reason: ShedReason) => void
  readonly warn: (reason: ShedReason) => void
  readonly now: () => number
}

/** A line for each would add to the load. */
const warnEveryMs = 10_000

/** Counts every request that was turned away, and warns of the first in a while. */
export function noteShedding({ count, warn, now }: ShedNotesOptions): (reason: ShedReason) => void {
  const warnedAtMs: Partial<Record<ShedReason, number>> = {}
  return function noteShed(reason) {
    count(reason)
    const nowMs = now()
    if (nowMs - (warnedAtMs[reason] ?? Number.NEGATIVE_INFINITY) < warnEveryMs) return
    warnedAtMs[reason] = nowMs
    warn(reason)
  }
}
