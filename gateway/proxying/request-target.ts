export type RequestTarget =
  /** `path` is decoded once, in lower case, for matching; the request's own bytes are what is forwarded. */
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'ambiguous' }
  /** `OPTIONS *`, or what is neither a path nor an address of ours. */
  | { readonly kind: 'not-a-path' }

const maxTargetBytes = 8192

// A path that any two readers take for the same: no empty or dot segment, no backslash, no parameter
// (`;`, which servlet containers cut off), nothing outside printable ASCII.
const plainPath = /^(?:\/(?!\.\.?(?:\/|$))[\w.~!$&'()*+,=:@-]+)*\/?$/
const encodedByte = /%([0-9a-f]{2})/gi
// Encoded control characters, and the encoded forms of `.`, `/`, `\\` and `;`.
const encodedTrap = /%(?:[01][0-9a-f]|2[ef]|5c|3b|7f)/i
const rawTrap = /[^\x21\x24-\x7e]|\/\/|\/\.\.?(?:\/|$)|[\\;]/
const badQuery = /[^\x21\x22\x24-\x7e]/

/**
 * Reads a request target as every app behind us would, or refuses it: a path that one reader takes
 * for `/public` and another for `/admin` must not be matched as the first and served as the second.
 */
export function readTarget(target: string): RequestTarget {
  if (target.length > maxTargetBytes) return { kind: 'too-long' }
  if (target.charCodeAt(0) !== 47) return { kind: 'not-a-path' }
  const queryAt = target.indexOf('?')
  const rawPath = queryAt === -1 ? target : target.slice(0, queryAt)
  if (queryAt !== -1 && badQuery.test(target.slice(queryAt))) return { kind: 'ambiguous' }
  if (plainPath.test(rawPath)) return { kind: 'path', path: rawPath.toLowerCase() }
  return readEncoded(rawPath)
}

function readEncoded(rawPath: string): RequestTarget {
  const withoutEncoded = rawPath.replace(encodedByte, 'x')
  if (rawTrap.test(withoutEncoded) || withoutEncoded.includes('%') || encodedTrap.test(rawPath)) {
    return { kind: 'ambiguous' }
  }
  try {
    return { kind: 'path', path: decodeURIComponent(rawPath).toLowerCase() }
  } catch {
    return { kind: 'ambiguous' }
  }
}

/**
 * The path of an absolute-form target (`GET http://host/path`) when it names the same host as the
 * Host header, which RFC 9112 §3.2.2 wants served; any other target unchanged.
 */
export function withoutOrigin(target: string, host: string | undefined): string {
  if (target.charCodeAt(0) === 47) return target
  const match = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target)
  if (match === null || match[1]?.toLowerCase() !== host?.toLowerCase()) return target
  const rest = match[2] as string
  return rest.startsWith('/') ? rest : `/${rest}`
}
