import ipaddr from 'ipaddr.js'
import type { Policy, PolicyKey } from './policy.ts'

/** Whose windows a call looks at. */
export interface Asker {
  readonly address: string
  readonly accountId: string | null
  readonly role: string | null
  /** The e-mail address given at login. */
  readonly login: string | null
  /** A request header's value, undefined when it was not sent. */
  readonly header: (name: string) => string | undefined
}

export type SubjectReading =
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'skip' }
  /** The policy refuses calls without this header. */
  | { readonly kind: 'missing'; readonly header: string }

/**
 * The subject whose calls share a window: `u:<account>`, `a:<address>`, `l:<e-mail>`, `r:<role>`,
 * `h:<header>=<value>`, or several joined by `+`. Who has no account is counted by address.
 */
export function subjectOf(
  { by, whenKeyIsMissing }: Pick<Policy, 'by' | 'whenKeyIsMissing'>,
  asker: Asker,
): SubjectReading {
  const parts: string[] = []
  for (const key of by) {
    const part = partOf(key, asker)
    if (part !== null) {
      parts.push(part)
      continue
    }
    if (whenKeyIsMissing === 'skip') return { kind: 'skip' }
    if (whenKeyIsMissing === 'deny') return { kind: 'missing', header: key.slice(headerPrefix.length) }
    parts.push(addressSubject(asker.address))
  }
  return { kind: 'subject', subject: parts.length === 1 ? (parts[0] as string) : parts.join('+') }
}

const headerPrefix = 'header:'

/** Null for a header that was not sent. */
function partOf(key: PolicyKey, { address, accountId, role, login, header }: Asker): string | null {
  switch (key) {
    case 'user':
      return accountId === null ? addressSubject(address) : `u:${accountId}`
    case 'address':
      return addressSubject(address)
    case 'account':
      return login === null ? addressSubject(address) : `l:${login}`
    case 'role':
      return `r:${role ?? 'anonymous'}`
    default: {
      const name = key.slice(headerPrefix.length)
      const value = header(name)
      return value === undefined || value === '' ? null : `h:${name}=${escaped(value)}`
    }
  }
}

/** Without the sign that joins parts: no value can be read as two. */
const escaped = (value: string): string => value.replace(/[%+]/g, encodeURIComponent)

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
