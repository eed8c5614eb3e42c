import type { HeaderFields } from '../proxying/send-http.ts'
import type { CacheableRequest } from './cache-request.ts'
import { isHeldByClient } from './conditional.ts'
import type { ResponseHeaders } from './freshness.ts'
import type { StoredResponse } from './responses.ts'
import { ageMs } from './usability.ts'

/** What a client is sent of a stored answer. */
export interface StoredAnswer {
  readonly status: number
  readonly headers: HeaderFields
  /** Null for HEAD and for what has none. */
  readonly body: Buffer | null
}

/** What a 304 says of an answer (RFC 9110 §15.4.5). */
const saidBy304 = [
  'cache-control',
  'content-location',
  'date',
  'etag',
  'expires',
  'last-modified',
  'vary',
  'via',
]

/** @param say what Cache-Status says of this answer: `hit`, `fwd=miss; collapsed` */
export function storedAnswer(
  request: CacheableRequest,
  stored: StoredResponse,
  nowMs: number,
  say: string,
): StoredAnswer {
  const age = ageMs(stored, nowMs)
  const ttl = Math.floor((stored.lifetime.freshForMs - age) / 1000)
  const isHeld = isHeldByClient(request.headers, stored.status, stored.headers)
  const headers = isHeld ? only(saidBy304, stored.headers) : ({ ...stored.headers } as HeaderFields)
  headers.age = String(Math.floor(age / 1000))
  addCacheStatus(headers, `${say}; ttl=${ttl}`)
  if (isHeld) return { status: 304, headers, body: null }
  if (stored.status !== 204) headers['content-length'] = String(stored.body.length)
  return { status: stored.status, headers, body: request.isHead ? null : stored.body }
}

/** Adds our member to the list that earlier caches began (RFC 9211 §2). */
export function addCacheStatus(headers: HeaderFields, say: string): void {
  const earlier = headers['cache-status']
  headers['cache-status'] = `${earlier === undefined ? '' : `${earlier}, `}guichet; ${say}`
}

function only(names: readonly string[], headers: ResponseHeaders): HeaderFields {
  const kept: HeaderFields = {}
  for (const name of names) {
    const value = headers[name]
    if (value !== undefined) kept[name] = value as string
  }
  return kept
}

/** What belongs to one call or one connection: told anew to each caller, never replayed. */
const ofOneCall = new Set([
  'age',
  'ratelimit',
  'ratelimit-policy',
  'set-cookie',
  'trailer',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-request-id',
])

/** An answer's headers as they are kept; without a Date it gets the moment it came (RFC 9110 §6.6.1). */
export function keptHeaders(headers: ResponseHeaders, receivedAtMs: number): ResponseHeaders {
  const kept = Object.entries(headers).filter(([name]) => !ofOneCall.has(name))
  return { date: new Date(receivedAtMs).toUTCString(), ...Object.fromEntries(kept) }
}
