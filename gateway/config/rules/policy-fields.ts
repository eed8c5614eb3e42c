import type { ConfigDraft } from '../draft.ts'
import { parseDurationMs } from '../duration.ts'
import type { Finding } from '../problem.ts'
import { checkHeaderName, checkKeys } from './policy-keys.ts'

export type PolicyDraft = NonNullable<NonNullable<ConfigDraft['policies']>[string]>

/** A log of more entries than this takes too much memory for one caller. */
const longestLog = 100_000

type Flaw = Omit<Finding, 'path'> & { readonly path?: Finding['path'] }

/** What each policy says agrees with itself. */
export function checkPolicies({ policies }: ConfigDraft): Finding[] {
  return Object.entries(policies ?? {}).flatMap(([name, policy]) => {
    if (policy === undefined) return []
    const flaws: Flaw[] = [
      ...checkWindow(policy),
      ...checkAlgorithm(policy),
      ...checkKeys(policy),
      ...checkEnforcement(policy),
      ...checkBan(policy),
    ]
    return flaws.map(({ path = [], ...flaw }) => ({ ...flaw, path: ['policies', name, ...path] }))
  })
}

/** Every quota that some caller may have, with its place within the policy. */
export function quotasOf({ quota, quotas }: PolicyDraft): { quota: number; path: string[] }[] {
  return [
    { quota, path: ['quota'] },
    ...Object.entries(quotas ?? {}).map(([who, own]) => ({ quota: own, path: ['quotas', who] })),
  ].filter((each): each is { quota: number; path: string[] } => each.quota !== undefined)
}

/** `per` cannot be told from one that was refused by its value: an absent key is not in the draft at all. */
function checkWindow(policy: PolicyDraft): Flaw[] {
  if ('per' in policy || policy.algorithm === undefined || policy.algorithm === 'concurrent') return []
  return [
    {
      message: 'missing key "per"',
      cure: 'add per, a duration from 1ms to 400d: length of the sliding window',
    },
  ]
}

function checkAlgorithm(policy: PolicyDraft): Flaw[] {
  const { algorithm, burst, refund, costHeader, countsDenied } = policy
  const flaws: Flaw[] = []
  if (algorithm === 'log') {
    for (const { quota, path } of quotasOf(policy)) {
      if (quota <= longestLog) continue
      const message = `too many for an exact log, which holds at most ${longestLog} calls of a caller`
      flaws.push({ path, value: String(quota), message, cure: 'add algorithm: counter' })
    }
  }
  if (burst !== undefined && algorithm !== undefined) flaws.push(...checkBurst(policy, burst))
  if (algorithm === 'concurrent') {
    const unfit = { refund: refund?.length, costHeader, countsDenied }
    for (const [key, value] of Object.entries(unfit)) {
      if (!value) continue
      const message = 'not for calls that run at once: each gives its place back when it ends'
      flaws.push({ path: [key], message, cure: 'remove it, or choose another algorithm' })
    }
  }
  if (costHeader !== undefined) flaws.push(...checkHeaderName(costHeader, ['costHeader']))
  return flaws
}

function checkBurst(policy: PolicyDraft, burst: number): Flaw[] {
  const place = { path: ['burst'], value: String(burst) }
  if (policy.algorithm !== 'gcra')
    return [{ ...place, message: 'only for gcra', cure: 'remove it, or add algorithm: gcra' }]
  const most = Math.max(...quotasOf(policy).map(({ quota }) => quota))
  if (burst <= most || policy.quota === undefined) return []
  return [{ ...place, message: 'more than the quota', cure: `write at most ${most}` }]
}

function checkEnforcement({ mode, enforcePercent }: PolicyDraft): Flaw[] {
  if (mode === undefined || enforcePercent === undefined) return []
  const message = 'mode and enforcePercent both say for whom the policy is enforced'
  return [
    { path: ['mode'], message, cure: 'remove one of them; mode: shadow is the same as enforcePercent: 0' },
  ]
}

function checkBan({ ban }: PolicyDraft): Flaw[] {
  if (ban?.for === undefined || ban.atMost === undefined) return []
  if ((parseDurationMs(ban.for) ?? 0) <= (parseDurationMs(ban.atMost) ?? Infinity)) return []
  const message = `for (${ban.for}) is longer than atMost (${ban.atMost})`
  return [{ path: ['ban', 'for'], message, cure: 'shorten for or lengthen atMost' }]
}

/** No call may cost more than the least quota it could meet: it would never pass. */
export function checkCosts({ routes, policies }: ConfigDraft): Finding[] {
  return (routes ?? []).flatMap((route, index) => {
    const { cost, policies: names } = route ?? {}
    if (cost === undefined || cost === 1) return []
    return (names ?? []).flatMap((name): Finding[] => {
      const policy = name !== undefined && Object.hasOwn(policies ?? {}, name) ? policies?.[name] : undefined
      if (policy === undefined) return []
      const limits = quotasOf(policy)
      if (policy.algorithm === 'gcra' && policy.burst !== undefined)
        limits.push({ quota: policy.burst, path: ['burst'] })
      const least = limits.toSorted((one, other) => one.quota - other.quota)[0]
      if (least === undefined || cost <= least.quota) return []
      const limit = `policies.${name}.${least.path.join('.')} (${least.quota})`
      const message = `a call costs more than ${limit}, so it never passes`
      const cure = `write at most ${least.quota}, or raise ${limit.replace(/ .*/, '')}`
      return [{ path: ['routes', index, 'cost'], value: String(cost), message, cure }]
    })
  })
}
