import type { WindowState } from './admission.ts'
import { wholeSeconds } from './headers.ts'

/** What a caller is told about one window. */
export interface PolicyState {
  readonly name: string
  /** The route or service alone that the window counts; null: all that the policy is on. */
  readonly appliesTo: string | null
  readonly unit: 'requests' | 'concurrent-requests'
  readonly quota: number
  readonly windowSeconds: number
  readonly remaining: number
  /** Whole seconds until one more place is free, rounded up; 0 when all are. */
  readonly resetSeconds: number
  /** When the places in use become free (ISO 8601), soonest first; those that are known, at most 100. */
  readonly freeAt: readonly string[]
}

export interface QuotaState {
  /** When this was true, on the clock that `freeAt` is told by. */
  readonly at: string
  /** The account it is about; null: whoever calls from this address. */
  readonly account: string | null
  /** This gateway counts alone for the moment, because its store is away. */
  readonly isDegraded: boolean
  readonly policies: readonly PolicyState[]
}

/** The most times told of one window. */
export const mostTimes = 100

/** @param freeInMs when places become free, from `nowMs` on, soonest first */
export function policyState(
  { request, quota, remaining, resetMs }: WindowState,
  freeInMs: readonly number[],
  nowMs: number,
): PolicyState {
  const { policy, bucket } = request
  return {
    name: policy.name,
    appliesTo: bucket === policy.name ? null : bucket.slice(policy.name.length + 1),
    unit: policy.algorithm === 'concurrent' ? 'concurrent-requests' : 'requests',
    quota,
    windowSeconds: policy.windowMs / 1000,
    remaining,
    resetSeconds: resetMs === 0 ? 0 : wholeSeconds(resetMs),
    freeAt: freeInMs.map((ms) => new Date(nowMs + ms).toISOString()),
  }
}

export const isLimited = ({ remaining }: Pick<PolicyState, 'remaining'>): boolean => remaining < 1

/** Two looks at the same places in use differ by what the store took to answer. */
const toleranceMs = 250

/** What tells a later look whether anything has happened since, time aside. */
export interface SeenWindows {
  readonly tier: string
  readonly atMs: number
  readonly windows: readonly WindowState[]
}

export function isUnchanged(before: SeenWindows, after: SeenWindows): boolean {
  return before.tier === after.tier && after.windows.every((window, i) => isSame(before.windows[i], window))

  function isSame(one: WindowState | undefined, other: WindowState): boolean {
    if (one === undefined || one.remaining !== other.remaining) return false
    if (one.quota !== other.quota || one.isBanned !== other.isBanned) return false
    // Nobody knows when a running call ends.
    if (other.request.policy.algorithm === 'concurrent') return true
    const isFree = (window: WindowState): boolean => window.resetMs === 0
    if (isFree(one) !== isFree(other)) return false
    return isFree(one) || Math.abs(before.atMs + one.resetMs - after.atMs - other.resetMs) < toleranceMs
  }
}
