import type { WindowState } from './admission.ts'
import type { Tier } from './decision.ts'
import type { Policy } from './policy.ts'

/** The limit fields of draft-ietf-httpapi-ratelimit-headers-11, one list member per enforced window. */
export interface LimitHeaders {
  readonly policy: string
  readonly limit: string
  /** The older convention, of the tightest window; null unless asked for. */
  readonly legacy: LegacyLimit | null
}

export interface LegacyLimit {
  readonly quota: number
  readonly remaining: number
  /** Seconds from now, as `t` has them. */
  readonly reset: number
}

export interface LimitHeaderOptions {
  /** The `pk` of a subject: base64 of bytes that tell nothing about it. Null: none is sent. */
  readonly partitionKey: ((subject: string) => string) | null
  /** Adds `X-RateLimit-*`, off by default. */
  readonly legacyHeaders?: boolean
}

export type WriteLimitHeaders = (windows: readonly WindowState[], tier: Tier) => LimitHeaders | null

/** Null when no enforced window applies: a shadow is for the operator's eyes. */
export function createLimitHeaders({
  partitionKey,
  legacyHeaders = false,
}: LimitHeaderOptions): WriteLimitHeaders {
  return function limitHeaders(windows, tier) {
    let policy = ''
    let limit = ''
    let tightest: WindowState | null = null
    for (const window of windows) {
      const { request, quota, remaining, resetMs } = window
      if (request.isShadow) continue
      if (tightest === null || isTighter(window, tightest)) tightest = window
      const separator = policy === '' ? '' : ', '
      policy += separator + policyMember(request.policy, quota)
      if (partitionKey !== null) policy += `;pk=:${partitionKey(request.subject)}:`
      limit += `${separator}"${request.policy.name}";r=${remaining};t=${wholeSeconds(resetMs)}`
      // A boolean parameter of our own: this gateway counts alone for the moment.
      if (tier === 'degraded') limit += ';guichet-degraded'
    }
    if (tightest === null) return null
    return { policy, limit, legacy: legacyHeaders ? legacyOf(tightest) : null }
  }
}

/** The one that a caller meets first: without room, then with the fewest places, then closed the longest. */
function isTighter(one: WindowState, other: WindowState): boolean {
  if (one.hasRoom !== other.hasRoom) return !one.hasRoom
  if (one.remaining !== other.remaining) return one.remaining < other.remaining
  return one.resetMs > other.resetMs
}

const legacyOf = ({ quota, remaining, resetMs }: WindowState): LegacyLimit => ({
  quota,
  remaining,
  reset: wholeSeconds(resetMs),
})

/** The fields that tell of limits, for scripts of other origins. */
export const limitFieldNames = (legacyHeaders: boolean): string[] =>
  legacyHeaders ? [...fieldNames, ...legacyFieldNames] : fieldNames

const fieldNames = ['RateLimit', 'RateLimit-Policy']
const legacyFieldNames = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset']

/** Whole seconds, rounded up and at least 1: one second earlier the call would still be denied. */
export const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))

const members = new WeakMap<Policy, Map<number, string>>()

/** By quota too, since a plan or a boost may change it. */
function policyMember(policy: Policy, quota: number): string {
  let byQuota = members.get(policy)
  if (byQuota === undefined) {
    byQuota = new Map()
    members.set(policy, byQuota)
  }
  let member = byQuota.get(quota)
  if (member === undefined) {
    member =
      policy.algorithm === 'concurrent'
        ? `"${policy.name}";q=${quota};qu="concurrent-requests"`
        : `"${policy.name}";q=${quota};w=${wholeSeconds(policy.windowMs)}`
    byQuota.set(quota, member)
  }
  return member
}
