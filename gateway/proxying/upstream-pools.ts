import type { EventEmitter } from 'node:events'
import { type Dispatcher, Pool } from 'undici'
import type { Upstream } from './upstream.ts'

/** What the forwarder knows of one exchange and reply-from has no option for. */
export interface Exchange {
  /** Emits `abort` when the caller is gone. */
  readonly caller: EventEmitter
  /** The request target, byte for byte: reply-from would send it as the URL standard rewrites it. */
  readonly target: string
}

/** Carries the exchange among the headers, the one part of a request that reply-from hands on whole. */
export const exchangeKey = Symbol('exchange')

interface PoolRequest {
  readonly origin: string
  readonly headers: { readonly [exchangeKey]: Exchange }
}

/** The connections to every upstream, by origin. */
export interface UpstreamPools extends AsyncDisposable {
  /** Rejects an origin that is not configured, whatever a request managed to say. */
  request(
    options: PoolRequest,
    answered: (error: Error | null, answer?: Dispatcher.ResponseData) => void,
  ): void
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
      const { caller, target } = options.headers[exchangeKey]
      const request = { ...options, path: target, signal: caller } as unknown as Dispatcher.RequestOptions
      pool.request(request, (error, answer) => {
        if (error !== null || answer.statusCode <= 599) return answered(error, answer)
        answer.body.on('error', () => {}).destroy()
        answered(new Error(`the upstream answered with the status ${answer.statusCode}`))
      })
    },
    destroy,
    [Symbol.asyncDispose]: destroy,
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
    // reply-from below 12.7 does not verify certificates unless told to (CVE-2026-107318); this pool is ours.
    connect: {
      timeout: upstream.connectTimeoutMs,
      rejectUnauthorized: true,
      ...(upstream.ca === undefined ? {} : { ca: upstream.ca }),
    },
  })
}
