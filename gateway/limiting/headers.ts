import type { WindowState } from './admission.ts'
import type { Policy } from './policy.ts'

/** The limit fields of draft-ietf-httpapi-ratelimit-headers-11, one list member per window. */
export interface LimitHeaders {
  readonly policy: string
  readonly limit: string
}

/** Null when no window applies. */
export function limitHeaders(windows: readonly WindowState[]): LimitHeaders | null {
  if (windows.length === 0) return null
  return {
    policy: windows.map(({ policy }) => policyMember(policy)).join(', '),
    limit: windows.map(limitMember).join(', '),
  }
}

/** Whole seconds, rounded up and at least 1: one second earlier the call would still be denied. */
export const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))

const members = new WeakMap<Policy, string>()

function policyMember(policy: Policy): string {
  let member = members.get(policy)
  if (member === undefined) {
    member = `"${policy.name}";q=${policy.quota};w=${wholeSeconds(policy.windowMs)}`
    members.set(policy, member)
  }
  return member
}

const limitMember = ({ policy, remaining, resetMs }: WindowState): string =>
  `"${policy.name}";r=${remaining};t=${wholeSeconds(resetMs)}`
