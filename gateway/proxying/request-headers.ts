import type { IncomingHttpHeaders } from 'node:http'
import type { Caller } from '../identity/account.ts'
import type { Journey } from '../journey.ts'
import { addVia } from './our-headers.ts'
import { createTraceParents } from './trace-parent.ts'

// RFC 9110 §7.6.1, and what is meant for us alone: `expect` is answered by our own server, and `host` names us.
// `__proto__` would not be a field, but the prototype of all.
const dropped = new Set([
  '__proto__',
  'connection',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export interface RequestHeaderOptions {
  /** Names of our own cookies: they never reach an app. */
  readonly ownCookies: readonly string[]
  /** `http` or `https`, as clients reach us. */
  readonly publicProto: string
  /** Proof of who calls, for one upstream; null for an anonymous caller. */
  readonly assert: (caller: Caller, upstream: string) => string | null
}

/**
 * The headers an app receives: the client's, without hop-by-hop ones and without our session; then
 * ours, in that order, so that a client's `Connection: X-Forwarded-User` removes nothing.
 */
export function createRequestHeaders({ ownCookies, publicProto, assert }: RequestHeaderOptions) {
  const traceParent = createTraceParents()
  return function requestHeaders(
    incoming: IncomingHttpHeaders,
    journey: Journey,
    peer: string,
    httpVersion = '1.1',
  ): Record<string, string | string[]> {
    const { caller } = journey
    const headers: Record<string, string | string[]> = {}
    const named = namedByConnection(incoming.connection)
    for (const name in incoming) {
      const value = incoming[name]
      if (value === undefined || dropped.has(name) || named?.has(name)) continue
      // Left out, not deleted afterwards: whoever reads an object that something was deleted from is slow.
      if (name === 'authorization' && isOurToken(String(value), caller)) continue
      const passed = name === 'cookie' ? withoutOurs(String(value), ownCookies) : value
      if (passed !== null) headers[name] = passed
    }

    const host = String(headers['x-forwarded-host'] ?? incoming.host ?? '')
    const proto = headers['x-forwarded-proto'] ?? publicProto
    const earlierHops = headers['x-forwarded-for']
    headers['x-forwarded-for'] = earlierHops === undefined ? journey.address : `${earlierHops}, ${peer}`
    headers['x-forwarded-proto'] = proto
    headers['x-forwarded-host'] = host
    headers.forwarded = `for=${forwardedNode(journey.address)};host="${host.replace(/["\\]/g, '')}";proto=${proto}`
    headers['x-request-id'] = journey.requestId
    headers.traceparent ??= traceParent()
    addVia(headers, httpVersion)
    addIdentity(headers, caller, assert(caller, journey.route?.upstream ?? ''))
    return headers
  }
}

/** By which an app learns who calls, and what proves it; none for an anonymous caller. */
export function identityHeaders(caller: Caller, assertion: string | null): Record<string, string> {
  const headers: Record<string, string> = {}
  addIdentity(headers, caller, assertion)
  return headers
}

function addIdentity(
  headers: Record<string, string | string[]>,
  caller: Caller,
  assertion: string | null,
): void {
  if (caller.kind === 'anonymous') return
  headers['x-forwarded-user'] = caller.accountId
  // Another issuer may not tell it.
  if (caller.email !== '') headers['x-forwarded-email'] = caller.email
  headers['x-forwarded-name'] = headerName(`${caller.firstName} ${caller.lastName}`)
  headers['x-forwarded-groups'] = caller.role
  if (assertion !== null) headers['x-guichet-assertion'] = assertion
}

function namedByConnection(connection: string | undefined): Set<string> | null {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return null
  return new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
}

/** An Authorization header that is not our token belongs to the app. */
const isOurToken = (authorization: string, caller: Caller): boolean =>
  caller.kind === 'connected' && /^bearer /i.test(authorization)

/** The cookies that belong to the app; null: there are none. */
function withoutOurs(cookie: string, ownCookies: readonly string[]): string | null {
  if (!ownCookies.some((name) => cookie.includes(name))) return cookie
  const rest = cookie.split(';').filter((pair) => !ownCookies.includes((pair.split('=')[0] as string).trim()))
  return rest.length === 0 ? null : rest.map((pair) => pair.trim()).join('; ')
}

/** RFC 7239 §6: IPv6 in brackets and quotes. */
const forwardedNode = (address: string): string => (address.includes(':') ? `"[${address}]"` : address)

/** A name as a header may carry it: ASCII as it is, anything else, and `%`, percent-encoded UTF-8. */
const headerName = (name: string): string =>
  name.trim().replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent)
