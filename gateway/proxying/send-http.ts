import type { Dispatcher } from 'undici'
import type { RequestBody } from './request-body.ts'
import { passableTrailers, responseHeaders } from './response-headers.ts'

/** Names in lower case; a repeated field is a list. */
export type HeaderFields = Record<string, string | string[]>

/** One request to one target, as it goes onto the wire. */
export interface HttpRequest {
  readonly method: string
  /** The request target, byte for byte as the client sent it. */
  readonly target: string
  readonly headers: HeaderFields
  readonly body: RequestBody | null
  /** Whether the client can take trailers: it said so, in HTTP/1.1, and did not ask by HEAD. */
  readonly takesTrailers: boolean
}

/** How an attempt went, told once: when the head of an answer is there, or when none will come. */
export type Outcome =
  | { readonly kind: 'answered'; readonly status: number; readonly headers: HeaderFields }
  | Failure

export interface Failure {
  readonly kind: 'failed'
  readonly error: Error
  /** False when no byte of the request had left: whatever the method, the target cannot have acted on it. */
  readonly wasSent: boolean
  /** Whether `begin` had been called, so that there is an answer to break off. */
  readonly hasAnswered: boolean
}

/** Where an answer comes from. */
export interface AnswerSource {
  /** After `write` returned false, when there is room again. */
  resume(): void
}

/**
 * Where an answer goes: `informed` any number of times, then `begin`, `write`, `end`; `failed` at any
 * time instead of what would have come next, and nothing after it. Whoever wants to watch an answer,
 * keep it, or put another in its place wraps a sink in one of its own.
 */
export interface AnswerSink {
  /** An interim answer (1xx). */
  informed(status: number, headers: HeaderFields): void
  /** The head, without hop-by-hop fields. */
  begin(status: number, headers: HeaderFields, source: AnswerSource): void
  /** The chunk stays as it is and may be kept. False: no more, please, until `source.resume()`. */
  write(chunk: Buffer): boolean
  end(trailers: HeaderFields | null): void
  failed(failure: Failure): void
}

/**
 * Asked before the request leaves: may change its headers, and answers the sink that the upstream's answer
 * goes into, which passes on to `client` what the client shall see.
 */
export type AnswerFilter = (asked: HttpRequest, client: AnswerSink) => AnswerSink

export interface Sending {
  /** Gives the exchange up, wherever it is; `failed` hears of the reason, unless all is over. */
  abort(reason: Error): void
}

/**
 * Sends one request to one target, once, and streams its answer into the sink, with back-pressure. It
 * knows nothing of replies, retries or caches: those are told by `settled`, or are sinks.
 */
export function sendHttp(
  target: Dispatcher,
  request: HttpRequest,
  sink: AnswerSink,
  settled: (outcome: Outcome) => void,
): Sending {
  const exchange = new Exchange(request, sink, settled)
  const { method, target: path, headers, body } = request
  target.dispatch(
    { method: method as Dispatcher.HttpMethod, path, headers, body: body?.stream ?? null },
    exchange,
  )
  return exchange
}

/** One object per request, called by undici's parser: no stream, no event emitter, no signal between the two sockets. */
class Exchange implements Dispatcher.DispatchHandler, AnswerSource, Sending {
  readonly #request: HttpRequest
  readonly #sink: AnswerSink
  readonly #settled: (outcome: Outcome) => void
  #controller: Dispatcher.DispatchController | null = null
  #abortReason: Error | null = null
  #hasAnswered = false
  #passesTrailers = false

  constructor(request: HttpRequest, sink: AnswerSink, settled: (outcome: Outcome) => void) {
    this.#request = request
    this.#sink = sink
    this.#settled = settled
  }

  abort(reason: Error): void {
    this.#abortReason ??= reason
    this.#controller?.abort(reason)
  }

  resume(): void {
    this.#controller?.resume()
  }

  /** Called when a connection is there, right before the first byte is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#abortReason !== null) {
      controller.abort(this.#abortReason)
      return
    }
    this.#controller = controller
    this.#request.body?.watch(this)
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, fields: object): void {
    const { takesTrailers } = this.#request
    const headers = responseHeaders(fields as HeaderFields, takesTrailers)
    if (status < 200) this.#sink.informed(status, headers)
    else if (status > 599) controller.abort(new Error(`the upstream answered with the status ${status}`))
    else this.#begin(status, headers)
  }

  #begin(status: number, headers: HeaderFields): void {
    this.#hasAnswered = true
    this.#passesTrailers = headers.trailer !== undefined
    this.#settled({ kind: 'answered', status, headers })
    this.#sink.begin(status, headers, this)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#sink.write(chunk)) controller.pause()
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: object): void {
    this.#request.body?.unwatch()
    this.#sink.end(this.#passesTrailers ? passableTrailers(trailers as HeaderFields) : null)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#request.body?.unwatch()
    const hasAnswered = this.#hasAnswered
    const failure: Failure = { kind: 'failed', error, wasSent: this.#controller !== null, hasAnswered }
    if (!hasAnswered) this.#settled(failure)
    this.#sink.failed(failure)
  }
}
