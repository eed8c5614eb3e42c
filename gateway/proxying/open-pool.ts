import { Pool } from 'undici'
import { createConnector } from './connector.ts'
import type { Upstream } from './upstream.ts'

/** A name is looked up for new connections only: when none is older than this, a target that has moved is followed. */
const connectionAgeMs = 60_000

/** The connections to one target. */
export function openPool(url: string, upstream: Upstream, clientTtl = connectionAgeMs): Pool {
  return new Pool(url, {
    connections: upstream.maxConnections,
    pipelining: 1,
    // HTTP/1.1 alone, to every app: the rules about hop-by-hop headers and bodies are tested for it.
    allowH2: false,
    keepAliveTimeout: 30_000,
    clientTtl,
    headersTimeout: upstream.responseTimeoutMs,
    bodyTimeout: upstream.idleTimeoutMs,
    connect: createConnector(upstream),
  })
}
