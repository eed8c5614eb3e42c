import type { IncomingHttpHeaders } from 'node:http'
import type { CacheableRequest } from './cache-request.ts'

/** For whom an answer is kept: for everyone, or for the circle it was asked in. */
export type Audience = 'everyone' | 'circle'

/**
 * Where an answer of this request may lie, for each audience: a line feed separates the parts, since neither a
 * target nor a field can hold one.
 *
 * @returns null where nothing may be stored for the circle
 */
export function keyFor({ circle, resource }: CacheableRequest, audience: Audience): string | null {
  if (audience === 'everyone') return `p\n${resource}`
  switch (circle.kind) {
    case 'anyone':
      return `a\n${resource}`
    case 'caller':
      return `u:${circle.accountId}\n${resource}`
    case 'nobody':
      return null
  }
}

/**
 * The key of one variant (RFC 9111 §4.1).
 *
 * @param names the fields that the answer's Vary names; null when it has none: then all by which browsers differ
 */
export function variantKey(key: string, names: readonly string[] | null, request: CacheableRequest): string {
  if (names === null) return `${key}\n\n${request.usual}`
  return `${key}\n\n${names.map((name) => selecting(request.headers, name)).join('\n')}`
}

/** An absent field is another value than an empty one. */
function selecting(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  return value === undefined ? name : `${name}:${[value].flat().join(', ').trim()}`
}
