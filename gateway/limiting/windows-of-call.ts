import type { WindowRequest } from './admission.ts'
import type { Policy } from './policy.ts'
import { type Asker, subjectOf } from './subject.ts'

/** What of a route decides about windows. */
export interface CountedRoute {
  readonly name: string
  readonly service: string | null
  readonly policies: readonly Policy[]
  /** Places a call takes in each of its windows. */
  readonly cost: number
}

export type WindowsReading =
  | { readonly kind: 'windows'; readonly windows: readonly WindowRequest[] }
  | { readonly kind: 'missing'; readonly header: string; readonly policy: Policy }

/** Every window that a call of `asker` on `route` must find room in. */
export function windowsOf(route: CountedRoute, asker: Asker, plan: string | null = null): WindowsReading {
  const windows: WindowRequest[] = []
  for (const policy of route.policies) {
    const reading = subjectOf(policy, asker)
    if (reading.kind === 'missing') return { kind: 'missing', header: reading.header, policy }
    if (reading.kind === 'skip') continue
    windows.push({
      policy,
      subject: reading.subject,
      bucket: bucketOf(policy, route),
      quota: quotaOf(policy, plan, asker.role),
      cost: route.cost,
      isShadow: !isEnforcedFor(policy, reading.subject),
    })
  }
  return { kind: 'windows', windows }
}

/** The policy's name, and what beyond the subject tells its windows apart. */
export function bucketOf(
  { name, scope }: Policy,
  { name: route, service }: Pick<CountedRoute, 'name' | 'service'>,
): string {
  if (scope === 'policy') return name
  return `${name}@${scope === 'service' ? (service ?? route) : route}`
}

/** A plan's own quota wins over the role's, and that over everyone's. */
export function quotaOf({ quota, quotas }: Policy, plan: string | null, role: string | null): number {
  // Own keys only: a plan may be called "constructor".
  if (plan !== null && Object.hasOwn(quotas, plan)) return quotas[plan] as number
  return role !== null && Object.hasOwn(quotas, role) ? (quotas[role] as number) : quota
}

/** The same subjects every time and on every gateway, so that nobody is limited now and then. */
export function isEnforcedFor({ enforcePercent, name }: Policy, subject: string): boolean {
  if (enforcePercent >= 100) return true
  return enforcePercent > 0 && fnv1a(`${name} ${subject}`) % 100 < enforcePercent
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
