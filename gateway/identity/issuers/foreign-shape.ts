import { isUtf8 } from 'node:buffer'
import { decodeCanonically, type TokenFlaw } from '../token-shape.ts'

export type ForeignShape =
  | { readonly kind: 'plausible'; readonly alg: string; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly kind: 'invalid'; readonly reason: TokenFlaw }

/** Twice as long as ours may be: others put lists of groups into theirs. Node refuses headers above 16 KB. */
export const longestForeignToken = 8192

const deepest = 8

/** The `iss` that a token names, believing nothing; null when it names none that one could look up. */
export function claimedIssuer(raw: string): string | null {
  if (raw.length > longestForeignToken) return null
  const claims = readObject(Buffer.from(raw.split('.', 2)[1] ?? '', 'base64url'))
  return typeof claims?.iss === 'string' ? claims.iss : null
}

/**
 * Reads a token that another issuer may have signed, before any cryptography and without any I/O. Its JSON may
 * be written in any way, but base64url in one only, no member comes twice, and nothing in the header may send
 * a verifier to another key or make it read something else (`jku`, `x5u`, `x5c`, `jwk`, `crit`, `b64`, `zip`).
 */
export function readForeignShape(raw: string): ForeignShape {
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(raw)
  if (parts === null) return invalid('malformed')
  const [header, claims, signature] = parts.slice(1).map(decodeCanonically)
  if (!header || !claims || !signature) return invalid('not-canonical')
  const { alg, ...rest } = readObject(header) ?? {}
  if (typeof alg !== 'string' || !Object.entries(rest).every(isHarmless)) return invalid('wrong-header')
  const object = readObject(claims)
  return object === null ? invalid('wrong-claims') : { kind: 'plausible', alg, claims: object }
}

/** RFC 9068 §4 and RFC 8725 §3.11: an assertion, a logout token or a proof is no access token. */
const types = /^(application\/)?(jwt|at\+jwt)$/i

function isHarmless([name, value]: [string, unknown]): boolean {
  if (name === 'typ') return typeof value === 'string' && types.test(value)
  return ['kid', 'x5t', 'x5t#S256'].includes(name) && typeof value === 'string'
}

/** Null for a list, for a member that comes twice (`JSON.parse` keeps one of them), and for what is nested deep. */
function readObject(bytes: Buffer): Record<string, unknown> | null {
  if (!isUtf8(bytes)) return null
  const text = bytes.toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    // Outside strings a colon stands behind the name of each member, and nowhere else.
    const colons = text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1
    return colons === membersOf(value, deepest) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function membersOf(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth === 0) return Number.NaN
  const values = Object.values(value)
  const own = Array.isArray(value) ? 0 : values.length
  return values.reduce<number>((sum, member) => sum + membersOf(member, depth - 1), own)
}

function invalid(reason: TokenFlaw): ForeignShape {
  return { kind: 'invalid', reason }
}
