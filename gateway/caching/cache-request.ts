import type { IncomingHttpHeaders } from 'node:http'
import type { Caller } from '../identity/account.ts'
import { type Directives, readDirectives } from './cache-control.ts'
import { type Circle, circleOf, foreignCredentials } from './credentials.ts'

export interface AskedRequest {
  readonly method: string
  /** As sent: path and query, byte for byte. */
  readonly target: string
  /** Without what a client may not claim. */
  readonly headers: IncomingHttpHeaders
  readonly caller: Caller
  /** The client's address; an X-Forwarded-For that says just this adds nothing. */
  readonly address: string
  readonly ownCookies: readonly string[]
}

/** A request as the cache sees it. */
export type CacheRequest =
  /** Not the cache's business: neither answered from it nor stored. */
  { readonly kind: 'bypass' } | CacheableRequest

export interface CacheableRequest {
  readonly kind: 'cacheable'
  readonly isHead: boolean
  readonly headers: IncomingHttpHeaders
  readonly circle: Circle
  readonly directives: Directives
  /** Host, target, and every field that an app might read although nobody expects it to. */
  readonly resource: string
  /** The fields by which browsers differ: part of the key unless the answer's Vary says which of them matter. */
  readonly usual: string
}

/** Anything else in a Cache-Control is passed on, and an app may repeat it: such an answer is nobody else's. */
const knownDirectives = new Set([
  'max-age',
  'max-stale',
  'min-fresh',
  'no-cache',
  'no-transform',
  'only-if-cached',
])

export function readRequest(asked: AskedRequest): CacheRequest {
  const { method, headers, caller, target, ownCookies } = asked
  if ((method !== 'GET' && method !== 'HEAD') || isUnusual(headers)) return { kind: 'bypass' }
  const directives = directivesOf(headers)
  if (directives === null) return { kind: 'bypass' }
  const { unknown, usual } = sortFields(asked)
  const foreign = foreignCredentials(headers, caller, ownCookies)
  return {
    kind: 'cacheable',
    isHead: method === 'HEAD',
    headers,
    circle: circleOf(caller, foreign),
    directives,
    resource: `${String(headers.host ?? '').toLowerCase()}\n${target}${unknown}`,
    usual: usual + foreign,
  }
}

const member = /^\s*([a-z-]+)(?:=\d+)?\s*$/i

/** What the client asks of a cache; null when it asks what is unknown here. Pragma counts where Cache-Control is silent. */
function directivesOf({ pragma, 'cache-control': asked }: IncomingHttpHeaders): Directives | null {
  if (pragma !== undefined && pragma.toLowerCase() !== 'no-cache') return null
  const written = asked ?? pragma
  const isKnown = (text: string): boolean => knownDirectives.has(member.exec(text)?.[1]?.toLowerCase() ?? '')
  return written === undefined || written.split(',').every(isKnown) ? readDirectives(written) : null
}

/** A part of an answer, a precondition, a body, a stream of events: what a stored whole answer has nothing to say to. */
function isUnusual(headers: IncomingHttpHeaders): boolean {
  const { range, accept } = headers
  return (
    range !== undefined ||
    headers['if-range'] !== undefined ||
    headers['if-match'] !== undefined ||
    headers['if-unmodified-since'] !== undefined ||
    headers['transfer-encoding'] !== undefined ||
    headers.upgrade !== undefined ||
    !isOwnBusiness(headers.connection) ||
    (headers['content-length'] ?? '0') !== '0' ||
    (accept?.includes('text/event-stream') ?? false)
  )
}

/**
 * Whether a Connection names no field of the request. One that it names never reaches the app, and is in the key all the
 * same: what the app says without it would be given to those whose field it hears.
 */
const isOwnBusiness = (connection = ''): boolean =>
  connection.split(',').every((name) => /^\s*(?:keep-alive|close|te)?\s*$/i.test(name))

/** Keyed elsewhere, meant for the connection or the cache alone, or replaced before the app is asked. */
const spoken = new Set([
  'authorization',
  'cache-control',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'http2-settings',
  'if-modified-since',
  'if-none-match',
  'keep-alive',
  'pragma',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'traceparent',
  'tracestate',
  'x-request-id',
])

const usualFields = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'dnt',
  'origin',
  'priority',
  'referer',
  'save-data',
  'upgrade-insecure-requests',
  'user-agent',
])

/**
 * Every field that reaches the app is in the key. An app may write into its answer what nobody thought it reads
 * (an X-Anything): stored under a key without it, one caller's text would be given to all the others.
 */
function sortFields({ headers, address }: AskedRequest): { unknown: string; usual: string } {
  let unknown = ''
  let usual = ''
  for (const name in headers) {
    if (spoken.has(name) || name.charCodeAt(0) === 58) continue
    if (name === 'x-forwarded-for' && headers[name] === address) continue
    if (usualFields.has(name) || name.startsWith('sec-')) usual += `\n${name}:${headers[name]}`
    else unknown += `\n${name}:${headers[name]}`
  }
  return { unknown, usual }
}
