import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { Journey } from '../journey.ts'
import type { CompleteHead } from './complete-head.ts'
import { type BodyLimits, requestBody } from './request-body.ts'
import { createRequestHeaders, type RequestHeaderOptions } from './request-headers.ts'
import { ResponseSink } from './response-sink.ts'
import { type HeaderFields, type HttpRequest, type Outcome, sendHttp } from './send-http.ts'
import { upstreamError } from './upstream-error.ts'
import type { UpstreamPools } from './upstream-pools.ts'

export interface ForwardOptions extends RequestHeaderOptions, BodyLimits {
  readonly pools: UpstreamPools
  readonly completeHead: CompleteHead
  /** Called when an upstream's answer begins, or when it failed to. */
  readonly upstreamAnswered: (upstream: string, durationMs: number, isUp: boolean) => void
}

/**
 * Step 5: asks the route's upstream and streams its answer back. Nothing is retried here: an upstream's
 * 503 is an answer, not an invitation.
 *
 * It is a hook, not a handler: Fastify would have opinions on bodies and content types that are the app's
 * to judge. The answer passes by Fastify's reply, so what `onSend` would have done is done here.
 */
export function forward(options: ForwardOptions) {
  const { pools, completeHead, upstreamAnswered } = options
  const requestHeaders = createRequestHeaders(options)

  function settle(journey: Journey, upstream: string, outcome: Outcome): void {
    journey.upstreamDurationMs = performance.now() - (journey.upstreamStartedAtMs ?? 0)
    upstreamAnswered(upstream, journey.upstreamDurationMs, outcome.kind === 'answered')
    if (outcome.kind === 'answered') readCost(journey, outcome.headers)
  }

  return function forward(request: FastifyRequest, reply: FastifyReply): void {
    // Gone while the store was asked: 'close' has been emitted already, and nobody would hear the answer.
    if (reply.raw.destroyed) return
    const { journey, raw } = request
    const upstream = journey.route?.upstream ?? ''
    const asked: HttpRequest = {
      method: raw.method as string,
      target: raw.url as string,
      headers: requestHeaders(raw.headers, journey, raw.socket.remoteAddress ?? '', raw.httpVersion),
      body: requestBody(raw, options),
      takesTrailers: takesTrailers(raw),
    }
    const owner = {
      completeHead: (headers: HeaderFields): void => completeHead(headers, reply.getHeaders()),
      refuse: (error: Error): unknown => reply.send(upstreamError(error)),
    }
    const response = new ResponseSink(reply.raw, owner, options.silentClientMs)
    const sink = journey.filterAnswer === null ? response : journey.filterAnswer(asked, response)
    journey.upstreamStartedAtMs = performance.now()
    const sending = sendHttp(pools.of(upstream), asked, sink, (outcome) => {
      // The caller's own failures say nothing about the upstream.
      const isTheirs =
        outcome.kind === 'failed' && (outcome.error instanceof GatewayError || reply.raw.destroyed)
      if (!isTheirs) settle(journey, upstream, outcome)
    })
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished) sending.abort(new Error('the caller left'))
    })
  }
}

const takesTrailers = ({ headers, httpVersionMinor, method }: FastifyRequest['raw']): boolean =>
  headers.te !== undefined &&
  httpVersionMinor > 0 &&
  method !== 'HEAD' &&
  /\btrailers\b/i.test(String(headers.te))

/** What the app says the call has cost, for the policies that ask; the caller has no use for it. */
function readCost(journey: Journey, headers: HeaderFields): void {
  for (const { costHeader } of journey.route?.policies ?? []) {
    if (costHeader === null || !/^\d{1,6}$/.test(String(headers[costHeader]))) continue
    journey.reportedCost = Number(headers[costHeader])
    delete headers[costHeader]
  }
}
