import replyFrom from '@fastify/reply-from'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RequestHeaderOptions } from './request-headers.ts'
import { createRequestHeaders } from './request-headers.ts'
import { responseHeaders } from './response-headers.ts'
import type { Upstream } from './upstream.ts'
import { upstreamError } from './upstream-error.ts'
import type { UpstreamPools } from './upstream-pools.ts'

export interface ForwardOptions extends RequestHeaderOptions {
  readonly upstreams: readonly Upstream[]
  readonly pools: UpstreamPools
  /** Called when an upstream's answer begins, or when it failed to. */
  readonly upstreamAnswered: (upstream: string, durationMs: number, isUp: boolean) => void
}

/**
 * Step 6: asks the route's upstream and streams its answer back. Prepares the instance, and returns
 * the handler. Nothing is retried here: an upstream's 503 is an answer, not an invitation.
 */
export async function forwarding(app: FastifyInstance, options: ForwardOptions) {
  const urls = new Map(options.upstreams.map((upstream) => [upstream.name, upstream.url]))
  const requestHeaders = createRequestHeaders(options)
  await app.register(replyFrom, {
    undici: options.pools as never,
    // Its cache of URLs would ignore which upstream was asked (CVE-2026-16158).
    disableCache: true,
    disableRequestLogging: true,
  })
  // Bodies pass through as streams: whatever their type, they are not ours to read.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  function answered(request: FastifyRequest, isUp: boolean): void {
    const { journey } = request
    journey.upstreamDurationMs = performance.now() - (journey.upstreamStartedAtMs ?? 0)
    options.upstreamAnswered(journey.route?.upstream ?? '', journey.upstreamDurationMs, isUp)
  }

  return function forward(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { journey } = request
    const upstream = journey.route?.upstream ?? ''
    journey.upstreamStartedAtMs = performance.now()
    return reply.from(undefined, {
      getUpstream: () => urls.get(upstream) as string,
      retryDelay: () => null,
      rewriteRequestHeaders: (_request, incoming) => {
        const headers = requestHeaders(request.raw.headers, journey, request.raw.socket.remoteAddress ?? '')
        headers.host = incoming.host as string
        if (request.method === 'GET' || request.method === 'HEAD') delete headers['content-length']
        return headers as typeof incoming
      },
      rewriteHeaders: (headers) => {
        answered(request, true)
        return mergeLimits(responseHeaders(headers as never), reply) as typeof headers
      },
      onError: (_reply, { error }) => {
        answered(request, false)
        reply.send(upstreamError(error))
      },
    })
  }
}

/** RateLimit fields are lists: an upstream that has limits of its own adds to ours, it does not hide them. */
function mergeLimits(headers: ReturnType<typeof responseHeaders>, reply: FastifyReply) {
  for (const name of ['ratelimit', 'ratelimit-policy']) {
    const ours = reply.getHeader(name)
    const theirs = headers[name]
    if (ours !== undefined && theirs !== undefined) headers[name] = `${ours}, ${theirs}`
  }
  return headers
}
