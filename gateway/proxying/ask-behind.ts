import type { IncomingMessage } from 'node:http'
import type { Journey } from '../journey.ts'
import { createRequestHeaders, type RequestHeaderOptions } from './request-headers.ts'
import { type AnswerFilter, type AnswerSink, sendHttp } from './send-http.ts'
import type { UpstreamPools } from './upstream-pools.ts'

export interface AskBehindOptions extends RequestHeaderOptions {
  readonly pools: UpstreamPools
}

/** Asks the route's upstream once more what this request asks by GET, for the filter alone: nobody waits for the answer. */
export function createAskBehind({ pools, ...options }: AskBehindOptions) {
  const requestHeaders = createRequestHeaders(options)
  return function askBehind(raw: IncomingMessage, journey: Journey, filter: AnswerFilter): void {
    const headers = requestHeaders(raw.headers, journey, raw.socket.remoteAddress ?? '', raw.httpVersion)
    const asked = { method: 'GET', target: raw.url as string, headers, body: null, takesTrailers: false }
    sendHttp(pools.of(journey.route?.upstream ?? ''), asked, filter(asked, nobody), () => undefined)
  }
}

const nobody: AnswerSink = {
  informed: () => undefined,
  begin: () => undefined,
  write: () => true,
  end: () => undefined,
  failed: () => undefined,
}
