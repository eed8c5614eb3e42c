/**
 * One way to count calls, in process; `meters.lua` is the same in Redis, and one suite holds both.
 * Times are whole microseconds.
 */
export interface Meter {
  /** What is free now. Forgets what has left the window; counts nothing. */
  look(now: number, limit: MeterLimit, cost: number): MeterLook
  /** Takes places, whether they are free or not, and says what to show to get them back. */
  take(now: number, limit: MeterLimit, cost: number, lease: string): number
  giveBack(now: number, limit: MeterLimit, cost: number, receipt: number, lease: string): void
  /** Takes places as if it were `at`, among calls that came later. */
  insert(at: number, limit: MeterLimit, cost: number): void
  /** Lets the oldest calls go until so many are left; for a log only. */
  keepNewest?(places: number): void
  /** When the places in use become free, soonest first, from now; for a log only. */
  timeline?(now: number, limit: MeterLimit, most: number): number[]
  /** True when nothing is left that could matter. */
  isIdle(now: number, limit: MeterLimit): boolean
}

export interface MeterLimit {
  readonly quota: number
  readonly window: number
  readonly burst: number
}

export interface MeterLook {
  /** Never negative. */
  readonly free: number
  /** Until one more place is free (0 when all are); when `cost` does not fit, until it does. */
  readonly reset: number
}
