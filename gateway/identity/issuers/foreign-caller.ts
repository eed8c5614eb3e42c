import { isPlan } from '../account.ts'
import { type ConnectedCaller, shortened } from '../tokens.ts'

/** Where an issuer says what: the name of a claim, or `/a/b` for the member `b` of claim `a`. */
export interface ClaimNames {
  readonly account: string
  readonly email: string
  readonly name: string
  readonly firstName: string
  readonly lastName: string
  /** Null: everyone is a `user`. */
  readonly role: string | null
  readonly plan: string | null
}

/** As long as an app may keep it. */
const longestAccountId = 255

/**
 * Who an issuer's claims speak of; null without an account. The id begins with the issuer's name and a colon,
 * so that it is never one of our own accounts (numbers), nor another issuer's.
 */
export function foreignCaller(
  issuer: string,
  claims: Readonly<Record<string, unknown>>,
  names: ClaimNames,
): ConnectedCaller | null {
  const read = (path: string): unknown => readClaim(claims, path)
  const account = read(names.account)
  const accountId = `${issuer}:${plainId(account)}`
  if (!isIdentifier(account) || accountId.length > longestAccountId) return null
  const firstName = readName(read(names.firstName))
  const lastName = readName(read(names.lastName))
  const isNamed = firstName !== '' || lastName !== ''
  const plan = names.plan === null ? null : read(names.plan)
  return {
    kind: 'connected',
    accountId,
    sessionId: null,
    role: names.role !== null && isAdmin(read(names.role)) ? 'admin' : 'user',
    plan: isPlan(plan) ? plan : null,
    email: readEmail(read(names.email)),
    firstName: isNamed ? firstName : readName(read(names.name)),
    lastName,
  }
}

const isIdentifier = (value: unknown): value is string | number =>
  (typeof value === 'string' && value !== '' && value.isWellFormed()) || Number.isSafeInteger(value)

/** As a header and a subject may carry it: `+` joins the parts of a subject. Never two ids as one. */
function plainId(value: unknown): string {
  return isIdentifier(value) ? String(value).replace(/[^\w.:@|=~/-]+/g, encodeURIComponent) : ''
}

/** A role or a list of roles. Whatever is unknown is no more than a user. */
const isAdmin = (value: unknown): boolean =>
  value === 'admin' || (Array.isArray(value) && value.includes('admin'))

/** Empty unless a header may carry it. */
const readEmail = (value: unknown): string =>
  typeof value === 'string' && /^[\x21-\x7e]{3,254}$/.test(value) && value.includes('@') ? value : ''

const readName = (value: unknown): string => (typeof value === 'string' ? shortened(value) : '')

function readClaim(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  const steps = path.startsWith('/') ? path.slice(1).split('/') : [path]
  let value: unknown = claims
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}
