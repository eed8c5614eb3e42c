import { type Dispatcher, Pool } from 'undici'
import type { Upstream } from './upstream.ts'

/** The connections to every upstream, by origin. */
export interface UpstreamPools extends AsyncDisposable {
  /** Rejects an origin that is not configured, whatever a request managed to say. */
  request(options: { origin: string }, answered: (error: Error | null, answer: unknown) => void): void
  destroy(): Promise<void>
}

export function openUpstreamPools(upstreams: readonly Upstream[]): UpstreamPools {
  const pools = new Map(upstreams.map((upstream) => [new URL(upstream.url).origin, openPool(upstream)]))

  const destroy = async (): Promise<void> => {
    await Promise.all([...pools.values()].map((pool) => pool.destroy()))
  }

  return {
    request({ origin, ...options }, answered) {
      const pool = pools.get(origin)
      if (pool === undefined) throw new Error(`no upstream has the origin ${origin}`)
      pool.request(options as Dispatcher.RequestOptions, answered)
    },
    destroy,
    [Symbol.asyncDispose]: destroy,
  }
}

function openPool(upstream: Upstream): Pool {
  return new Pool(upstream.url, {
    connections: 256,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    headersTimeout: upstream.responseTimeoutMs,
    bodyTimeout: upstream.idleTimeoutMs,
    // reply-from below 12.7 does not verify certificates unless told to (CVE-2026-107318); this pool is ours.
    connect: {
      timeout: upstream.connectTimeoutMs,
      rejectUnauthorized: true,
      ...(upstream.ca === undefined ? {} : { ca: upstream.ca }),
    },
  })
}
