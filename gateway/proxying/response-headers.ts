import type { HeaderFields } from './send-http.ts'

// RFC 9110 §7.6.1. An upstream's Connection and Keep-Alive speak of its connection, not of ours:
// copied, they would keep a draining gateway's clients connected. `__proto__` would not be a field, but
// the prototype of all.
const dropped = new Set([
  '__proto__',
  'connection',
  // HTTP/2 forbids it, and Node refuses the whole answer for it.
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * An upstream's headers as others may see them: without hop-by-hop ones and those its Connection names.
 * `trailer` stays for a client that takes trailers, when the answer's framing leaves room for them.
 */
export function responseHeaders(upstream: HeaderFields, takesTrailers: boolean): HeaderFields {
  const headers: HeaderFields = {}
  const named = namedBy(upstream.connection)
  for (const name in upstream) {
    if (!dropped.has(name) && !named?.includes(name)) headers[name] = upstream[name] as string
  }
  if (takesTrailers && upstream.trailer !== undefined && 'transfer-encoding' in upstream) {
    headers.trailer = upstream.trailer
  }
  return headers
}

/**
 * Trailers without those that would say something about the message's framing, its way or its caller.
 *
 * @param connection the field of the message's head: what it names goes no further, wherever it stands
 */
export function passableTrailers(
  trailers: HeaderFields,
  connection: string | string[] | undefined,
): HeaderFields {
  const named = namedBy(connection)
  const names = Object.keys(trailers).filter(
    (name) => !dropped.has(name) && !isForHeads.test(name) && !named?.includes(name),
  )
  return Object.fromEntries(names.map((name) => [name, trailers[name] as string]))
}

// RFC 9110 §6.5.1: what a recipient must know before the content.
const isForHeads =
  /^(content-|cache-control$|set-cookie|www-authenticate$|ratelimit|retry-after$|x-request-id$)/

function namedBy(connection: string | string[] | undefined): string[] | null {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return null
  return String(connection)
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
}
