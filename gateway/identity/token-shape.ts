/** Why a token was refused; for the log and the tests, never for the caller. */
export type TokenFlaw =
  | 'too-long'
  | 'malformed'
  | 'not-canonical'
  | 'wrong-header'
  | 'unknown-key'
  /** Another issuer's keys could never be fetched. */
  | 'keys-unavailable'
  | 'wrong-claims'
  | 'expired'
  | 'not-yet-valid'
  | 'bad-signature'

export type TokenShape =
  | { readonly kind: 'plausible'; readonly kid: string; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly kind: 'invalid'; readonly reason: TokenFlaw }

/** Node refuses headers above 16 KB; a token of ours has less than 1 KB. */
export const longestToken = 4096

/**
 * Reads a token that claims to be ours, before any cryptography and without any I/O. Ours are written
 * in one way only, so everything else about spelling, header or repeated claims is refused here.
 *
 * @param type the `typ` of the header that is asked for
 */
export function readTokenShape(raw: string, type: string): TokenShape {
  if (raw.length > longestToken) return invalid('too-long')
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(raw)
  if (parts === null) return invalid('malformed')
  const [header, claims, signature] = parts.slice(1).map(decodeCanonically)
  if (!header || !claims || !signature) return invalid('not-canonical')

  const { kid, ...rest } = readObject(header) ?? {}
  // An exact list, because `jku`, `x5u`, `jwk`, `crit` and `b64` each make some verifier do something else.
  const isOurs = Object.keys(rest).length === 2 && rest.alg === 'EdDSA' && rest.typ === type
  if (!isOurs || typeof kid !== 'string') return invalid('wrong-header')
  const object = readObject(claims)
  return object === null ? invalid('wrong-claims') : { kind: 'plausible', kid, claims: object }
}

/** Null when the text is another spelling of its bytes (unused bits that are set): one token, one spelling. */
export function decodeCanonically(part: string): Buffer | null {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : null
}

/** Null unless the JSON is as we write it: this refuses a member that comes twice, which `JSON.parse` hides. */
function readObject(bytes: Buffer): Record<string, unknown> | null {
  const text = bytes.toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    return JSON.stringify(value) === text ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function invalid(reason: TokenFlaw): TokenShape {
  return { kind: 'invalid', reason }
}
