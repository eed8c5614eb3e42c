import ipaddr from 'ipaddr.js'
import type { Policy } from './policy.ts'

/** Whose window a policy looks at, for one call. `login` is the e-mail address given at login. */
export interface Asker {
  readonly address: string
  readonly accountId: string | null
  readonly login: string | null
}

/**
 * The subject whose calls share a window: `u:<account>`, `a:<address>` or `l:<e-mail>`. Who has no
 * account, on a public route, is counted by address.
 */
export function subjectOf(policy: Policy, asker: Asker): string {
  if (policy.by === 'account' && asker.login !== null) return `l:${asker.login}`
  if (policy.by === 'user' && asker.accountId !== null) return `u:${asker.accountId}`
  return addressSubject(asker.address)
}

const subjectsByAddress = new Map<string, string>()

/**
 * IPv4 as it is, IPv4-mapped IPv6 as IPv4, and any other IPv6 by its /64, which is what one
 * customer gets: counting single addresses there would count nothing.
 */
export function addressSubject(address: string): string {
  const known = subjectsByAddress.get(address)
  if (known !== undefined) return known
  const subject = `a:${networkOf(address)}`
  if (subjectsByAddress.size >= 10_000) subjectsByAddress.clear()
  subjectsByAddress.set(address, subject)
  return subject
}

function networkOf(address: string): string {
  const withoutZone = address.replace(/%.*$/, '')
  if (!ipaddr.isValid(withoutZone)) return withoutZone
  const parsed = ipaddr.process(withoutZone)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  const prefix = (parsed as ipaddr.IPv6).parts.slice(0, 4).map((part) => part.toString(16))
  return `${prefix.join(':')}::`
}
