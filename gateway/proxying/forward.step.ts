import { EventEmitter } from 'node:events'
import replyFrom from '@fastify/reply-from'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Journey } from '../journey.ts'
import { requestBody } from './request-body.ts'
import type { RequestHeaderOptions } from './request-headers.ts'
import { createRequestHeaders } from './request-headers.ts'
import { responseHeaders } from './response-headers.ts'
import type { Upstream } from './upstream.ts'
import { upstreamError } from './upstream-error.ts'
import { type Exchange, exchangeKey, type UpstreamPools } from './upstream-pools.ts'

export interface ForwardOptions extends RequestHeaderOptions {
  readonly upstreams: readonly Upstream[]
  readonly pools: UpstreamPools
  /** Called when an upstream's answer begins, or when it failed to. */
  readonly upstreamAnswered: (upstream: string, durationMs: number, isUp: boolean) => void
}

/**
 * Step 5: asks the route's upstream and streams its answer back. Prepares the instance, and returns
 * the step. Nothing is retried here: an upstream's 503 is an answer, not an invitation.
 */
export async function forwarding(app: FastifyInstance, options: ForwardOptions) {
  const urls = new Map(options.upstreams.map((upstream) => [upstream.name, upstream.url]))
  const requestHeaders = createRequestHeaders(options)
  const maxBodyBytes = app.initialConfig.bodyLimit as number
  await app.register(replyFrom, {
    undici: options.pools as never,
    // Its cache of URLs would ignore which upstream was asked (CVE-2026-16158).
    disableCache: true,
    disableRequestLogging: true,
  })
  app.setErrorHandler((error, request, reply) => {
    throw hasAnswered(request.journey) ? brokenAnswer(error, reply) : error
  })

  function answered({ journey }: FastifyRequest, isUp: boolean): void {
    journey.upstreamDurationMs = performance.now() - (journey.upstreamStartedAtMs ?? 0)
    options.upstreamAnswered(journey.route?.upstream ?? '', journey.upstreamDurationMs, isUp)
  }

  /** A hook, not a handler: Fastify would have opinions on bodies and content types that are the app's to judge. */
  return function forward(request: FastifyRequest, reply: FastifyReply): void {
    // Gone while the store was asked: 'close' has been emitted already, and nobody would hear the answer.
    if (reply.raw.destroyed) return
    const { journey, raw } = request
    const upstream = journey.route?.upstream ?? ''
    const exchange: Exchange = { caller: new EventEmitter(), target: raw.url as string }
    reply.raw.once('close', () => exchange.caller.emit('abort'))
    request.body = requestBody(raw, maxBodyBytes)
    journey.upstreamStartedAtMs = performance.now()
    reply.from('/', {
      getUpstream: () => urls.get(upstream) as string,
      retryDelay: () => null,
      rewriteRequestHeaders: (_request, incoming) => {
        const headers = requestHeaders(raw.headers, journey, raw.socket.remoteAddress ?? '')
        headers.host = incoming.host as string
        return Object.assign(headers, { [exchangeKey]: exchange }) as typeof incoming
      },
      rewriteHeaders: (headers) => {
        answered(request, true)
        readCost(journey, headers)
        return withOurs(responseHeaders(headers as never), reply) as typeof headers
      },
      onResponse: (_request, _reply, answer) => {
        if (!reply.hasHeader('content-length')) reply.raw.once('pipe', sendHeadSoon)
        reply.send((answer as unknown as { stream: unknown }).stream)
      },
      onError: (_reply, { error }) => {
        // Nobody is left to answer, and the upstream has done nothing wrong.
        if (reply.raw.destroyed) return
        answered(request, false)
        reply.send(upstreamError(error))
      },
    })
  }
}

/** Node sends the head with the first of the body, which an event stream may not have for minutes. */
function sendHeadSoon(this: FastifyReply['raw']): void {
  setImmediate(() => {
    if (!this.headersSent) this.flushHeaders()
  })
}

/** What the app says the call has cost, for the policies that ask; the caller has no use for it. */
function readCost(journey: Journey, headers: Record<string, unknown>): void {
  for (const { costHeader } of journey.route?.policies ?? []) {
    if (costHeader === null || !/^\d{1,6}$/.test(String(headers[costHeader]))) continue
    journey.reportedCost = Number(headers[costHeader])
    delete headers[costHeader]
  }
}

const hasAnswered = ({ upstreamDurationMs }: Journey): boolean => upstreamDurationMs !== null

/** An answer that broke between its head and its body has left nothing yet: its headers must not describe ours. */
function brokenAnswer(error: unknown, reply: FastifyReply) {
  for (const name of Object.keys(reply.getHeaders())) {
    if (!ourFields.has(name)) reply.removeHeader(name)
  }
  return upstreamError(error)
}

const limitFields = ['ratelimit', 'ratelimit-policy']
const legacyFields = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']
const ourFields = new Set([...limitFields, ...legacyFields, 'x-request-id'])

/** RateLimit fields are lists: an upstream that has limits of its own adds to ours, it does not hide them. */
function withOurs(headers: ReturnType<typeof responseHeaders>, reply: FastifyReply) {
  delete headers['x-request-id']
  for (const name of limitFields) {
    const ours = reply.getHeader(name)
    const theirs = headers[name]
    if (ours !== undefined && theirs !== undefined) headers[name] = `${ours}, ${theirs}`
  }
  if (reply.hasHeader('x-ratelimit-remaining')) keepTighterLegacy(headers, reply)
  return headers
}

/** These are no lists: of two limits the caller is told the tighter, all of it. */
function keepTighterLegacy(headers: ReturnType<typeof responseHeaders>, reply: FastifyReply): void {
  const isTheirsTighter =
    Number(headers['x-ratelimit-remaining']) < Number(reply.getHeader('x-ratelimit-remaining'))
  for (const name of legacyFields) {
    if (isTheirsTighter) reply.removeHeader(name)
    else delete headers[name]
  }
}
