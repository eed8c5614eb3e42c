import type { WindowState } from './admission.ts'
import type { Tier } from './decision.ts'
import type { Policy } from './policy.ts'

/** The limit fields of draft-ietf-httpapi-ratelimit-headers-11, one list member per enforced window. */
export interface LimitHeaders {
  readonly policy: string
  readonly limit: string
}

export interface LimitHeaderOptions {
  /** The `pk` of a subject: base64 of bytes that tell nothing about it. Null: none is sent. */
  readonly partitionKey: ((subject: string) => string) | null
}

export type WriteLimitHeaders = (windows: readonly WindowState[], tier: Tier) => LimitHeaders | null

/** Null when no enforced window applies: a shadow is for the operator's eyes. */
export function createLimitHeaders({ partitionKey }: LimitHeaderOptions): WriteLimitHeaders {
  return function limitHeaders(windows, tier) {
    let policy = ''
    let limit = ''
    for (const window of windows) {
      const { request, quota, remaining, resetMs } = window
      if (request.isShadow) continue
      const separator = policy === '' ? '' : ', '
      policy += separator + policyMember(request.policy, quota)
      if (partitionKey !== null) policy += `;pk=:${partitionKey(request.subject)}:`
      limit += `${separator}"${request.policy.name}";r=${remaining};t=${wholeSeconds(resetMs)}`
      // A boolean parameter of our own: this gateway counts alone for the moment.
      if (tier === 'degraded') limit += ';guichet-degraded'
    }
    return policy === '' ? null : { policy, limit }
  }
}

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
