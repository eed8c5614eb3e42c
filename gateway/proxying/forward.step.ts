import type { FastifyReply, FastifyRequest } from 'fastify'
import { askUpstream } from './ask-upstream.ts'
import type { Upstreams } from './balancing/open-upstreams.ts'
import { CallNotes } from './call-notes.ts'
import type { CompleteHead } from './complete-head.ts'
import { type BodyLimits, requestBody } from './request-body.ts'
import { createRequestHeaders, type RequestHeaderOptions } from './request-headers.ts'
import { ResponseSink } from './response-sink.ts'
import { type HeaderFields, type HttpRequest, refusedBy } from './send-http.ts'
import { upstreamError } from './upstream-error.ts'

export interface ForwardOptions extends RequestHeaderOptions, BodyLimits {
  readonly upstreams: Upstreams
  readonly completeHead: CompleteHead
}

/**
 * Step 7: asks the route's upstream and streams its answer back. An upstream's 503 is an answer, not
 * an invitation to try again.
 *
 * It is a hook, not a handler: Fastify would have opinions on bodies and content types that are the app's
 * to judge. The answer passes by Fastify's reply, so what `onSend` would have done is done here.
 */
export function forward(options: ForwardOptions) {
  const { upstreams, completeHead } = options
  const requestHeaders = createRequestHeaders(options)

  return function forward(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    // Gone while the store was asked: 'close' has been emitted already, and nobody would hear the answer.
    if (reply.raw.destroyed) return reply
    const { journey, raw } = request
    const upstream = upstreams.of(journey.route?.upstream ?? '')
    const asked: HttpRequest = {
      method: raw.method as string,
      target: raw.url as string,
      headers: requestHeaders(raw.headers, journey, raw.socket.remoteAddress ?? '', raw.httpVersion),
      body: requestBody(raw, options),
      takesTrailers: takesTrailers(raw),
      responseTimeoutMs: journey.route?.responseTimeoutMs ?? null,
    }
    const owner = {
      completeHead: (headers: HeaderFields): void => completeHead(headers, reply.getHeaders()),
      refuse: (error: Error): unknown => reply.send(upstreamError(error)),
    }
    const response = new ResponseSink(reply.raw, owner, options.silentClientMs)
    const sink = journey.filterAnswer === null ? response : journey.filterAnswer(asked, response)
    const nowMs = performance.now()
    const sending = askUpstream(upstream, request, asked, sink, new CallNotes(journey), nowMs)
    if (sending === null) {
      sink.failed(refusedBy(upstream.refusal(nowMs)))
      return reply
    }
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished) sending.abort(new Error('the caller left'))
    })
    return reply
  }
}

const takesTrailers = ({ headers, httpVersion, method }: FastifyRequest['raw']): boolean =>
  headers.te !== undefined &&
  httpVersion !== '1.0' &&
  method !== 'HEAD' &&
  /(?:^|,)\s*trailers\s*(?:,|$)/i.test(String(headers.te))
