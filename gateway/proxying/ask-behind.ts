import type { IncomingMessage } from 'node:http'
import type { Journey } from '../journey.ts'
import { askUpstream, type CallOwner } from './ask-upstream.ts'
import type { Upstreams } from './balancing/open-upstreams.ts'
import { createRequestHeaders, type RequestHeaderOptions } from './request-headers.ts'
import { type AnswerFilter, type AnswerSink, type HttpRequest, refusedBy } from './send-http.ts'

export interface AskBehindOptions extends RequestHeaderOptions {
  readonly upstreams: Upstreams
}

/** Asks the route's upstream once more what this request asks by GET, for the filter alone: nobody waits for the answer. */
export function createAskBehind({ upstreams, ...options }: AskBehindOptions) {
  const requestHeaders = createRequestHeaders(options)
  return function askBehind(raw: IncomingMessage, journey: Journey, filter: AnswerFilter): void {
    const headers = requestHeaders(raw.headers, journey, raw.socket.remoteAddress ?? '', raw.httpVersion)
    const asked: HttpRequest = {
      method: 'GET',
      target: raw.url as string,
      headers,
      body: null,
      takesTrailers: false,
      responseTimeoutMs: journey.route?.responseTimeoutMs ?? null,
    }
    const upstream = upstreams.of(journey.route?.upstream ?? '')
    const sink = filter(asked, nobody)
    const nowMs = performance.now()
    const sending = askUpstream(upstream, { raw, journey }, asked, sink, noOwner, nowMs)
    if (sending === null) sink.failed(refusedBy(upstream.refusal(nowMs)))
  }
}

const nobody: AnswerSink = {
  informed: () => undefined,
  begin: () => undefined,
  write: () => true,
  end: () => undefined,
  failed: () => undefined,
}

const noOwner: CallOwner = {
  upstreamAsked: () => undefined,
  upstreamAnswered: () => undefined,
  upstreamFailed: () => undefined,
}
