import type { IncomingHttpHeaders } from 'node:http'
import { httpDateMs, type ResponseHeaders } from './freshness.ts'

/**
 * Whether the client holds this answer already, so that 304 says enough (RFC 9110 §13.2.2): If-None-Match is
 * compared weakly, and If-Modified-Since counts only without it.
 */
export function isHeldByClient(asked: IncomingHttpHeaders, status: number, stored: ResponseHeaders): boolean {
  if (status !== 200) return false
  const tags = asked['if-none-match']
  if (tags !== undefined) return tags.trim() === '*' || (isText(stored.etag) && hasTag(tags, stored.etag))
  const since = asked['if-modified-since']
  const modified = stored['last-modified'] ?? stored.date
  if (since === undefined || !isText(modified)) return false
  const sinceMs = httpDateMs(since)
  const modifiedMs = httpDateMs(modified)
  return sinceMs !== null && modifiedMs !== null && modifiedMs <= sinceMs
}

const isText = (value: ResponseHeaders[string]): value is string => typeof value === 'string'

const hasTag = (list: string, tag: string): boolean =>
  (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((member) => opaque(member) === opaque(tag))

const opaque = (tag: string): string => tag.trim().replace(/^W\//, '')

/** By which the app is asked whether a stored answer is still right (RFC 9111 §4.3.1). */
export function validatorsOf({
  etag,
  'last-modified': lastModified,
}: ResponseHeaders): Record<string, string> {
  return {
    ...(isText(etag) && { 'if-none-match': etag }),
    ...(isText(lastModified) && { 'if-modified-since': lastModified }),
  }
}

/**
 * Whether a 304 is about this stored answer (RFC 9111 §4.3.4): a strong tag must be the same strong tag, a weak one
 * the same in substance, and so must a date; a 304 without either can only be about what was asked.
 */
export function isConfirmedBy(stored: ResponseHeaders, notModified: ResponseHeaders): boolean {
  const tag = notModified.etag
  if (isText(tag)) {
    if (!isText(stored.etag)) return false
    return tag.trim().startsWith('W/')
      ? opaque(tag) === opaque(stored.etag)
      : tag.trim() === stored.etag.trim()
  }
  const modified = notModified['last-modified']
  return modified === undefined || modified === stored['last-modified']
}

/** What describes the stored bytes, which a 304 does not bring (RFC 9111 §3.2). */
const aboutBody = new Set(['content-encoding', 'content-length', 'content-range'])

/** The stored fields as a 304 renews them. */
export function renewed(stored: ResponseHeaders, notModified: ResponseHeaders): ResponseHeaders {
  const kept = Object.entries(notModified).filter(
    ([name, value]) => value !== undefined && !aboutBody.has(name),
  )
  // An Age that is not repeated is gone: the 304 was made just now.
  const { age: _age, ...rest } = stored
  return { ...rest, ...Object.fromEntries(kept) }
}
