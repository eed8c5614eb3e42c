import type { Policy, PolicyKey, RefundReason } from '../limiting/policy.ts'
import { parseDurationMs } from './duration.ts'
import { keysOf } from './rules/policy-keys.ts'
import type { ConfigFile } from './schema.ts'

type PolicyFile = ConfigFile['policies'][string]

/** How long a call may count as running unless the file says. */
const longestRun = '1m'

/** A policy of a file without problems. */
export function resolvePolicy(name: string, policy: PolicyFile): Policy {
  const { quota, quotas, per = longestRun, mode, enforcePercent = 100, ban } = policy
  return {
    name,
    algorithm: policy.algorithm,
    quota,
    windowMs: durationMs(per),
    // A store never lets a burst exceed the caller's own quota.
    burst: policy.burst ?? Math.max(quota, ...Object.values(quotas)),
    quotas,
    by: keysOf(policy.by) as PolicyKey[],
    whenKeyIsMissing: policy.whenKeyIsMissing ?? 'address',
    scope: policy.scope,
    costHeader: policy.costHeader?.toLowerCase() ?? null,
    countsDenied: policy.countsDenied,
    refund: policy.refund as RefundReason[],
    enforcePercent: mode === 'shadow' ? 0 : enforcePercent,
    ban: ban
      ? {
          afterDenials: ban.afterDenials,
          forMs: durationMs(ban.for),
          atMostMs: durationMs(ban.atMost),
        }
      : null,
    whenStoreIsDown: policy.whenStoreIsDown,
  }
}

/** @throws Error when it is none: validation has a hole then. */
export function durationMs(text: string): number {
  const valueMs = parseDurationMs(text)
  if (valueMs === undefined) throw new Error(`validation let "${text}" through`)
  return valueMs
}
