import { type Dispatcher, Pool } from 'undici'
import { createConnector } from './connector.ts'
import type { Upstream } from './upstream.ts'

/** The connections to every upstream. */
export interface UpstreamPools extends AsyncDisposable {
  /** @throws Error when no upstream has that name */
  of(upstream: string): Dispatcher
}

export function openUpstreamPools(upstreams: readonly Upstream[]): UpstreamPools {
  const pools = new Map(upstreams.map((upstream) => [upstream.name, openPool(upstream)]))
  return {
    of(upstream) {
      const pool = pools.get(upstream)
      if (pool === undefined) throw new Error(`no upstream is named ${upstream}`)
      return pool
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

function openPool(upstream: Upstream): Pool {
  return new Pool(upstream.url, {
    connections: 256,
    pipelining: 1,
    // HTTP/1.1 alone, to every app: the rules about hop-by-hop headers and bodies are tested for it.
    allowH2: false,
    keepAliveTimeout: 30_000,
    headersTimeout: upstream.responseTimeoutMs,
    bodyTimeout: upstream.idleTimeoutMs,
    connect: createConnector(upstream),
  })
}
