import type { IncomingHttpHeaders } from 'node:http'

// RFC 9110 §7.6.1. An upstream's Connection and Keep-Alive speak of its connection, not of ours:
// copied, they would keep a draining gateway's clients connected.
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** An upstream's headers as a client may see them: without hop-by-hop ones and those its Connection names. */
export function responseHeaders(upstream: IncomingHttpHeaders): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {}
  const named = upstream.connection
    ?.toLowerCase()
    .split(',')
    .map((name) => name.trim())
  for (const name in upstream) {
    if (!hopByHop.has(name) && !named?.includes(name)) headers[name] = upstream[name]
  }
  return headers
}
