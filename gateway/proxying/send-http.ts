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
  /** Longest wait for the head of the answer; null: as the upstream has it. */
  readonly responseTimeoutMs: number | null
}

export interface Failure {
  readonly error: Error
  /** False when no byte of the request had left: whatever the method, the target cannot have acted on it. */
  readonly wasSent: boolean
  /** Whether the client may have seen an interim answer of this target. */
  readonly hasInformed: boolean
  /** Whether `begin` had been called, so that there is an answer to break off. */
  readonly hasAnswered: boolean
}

/** What a sink is told when nobody was asked at all. */
export const refusedBy = (error: Error): Failure => ({
  error,
  wasSent: false,
  hasInformed: false,
  hasAnswered: false,
})

/** Who follows an exchange: hears `answered` and, at the end, `ended`, or else `failed`. */
export interface ExchangeWatcher {
  /** The head is there; the sink hears of it next. */
  answered(headers: HeaderFields): void
  /** The answer is over, whole or broken off. */
  ended(): void
  /**
   * There was no answer, and there will be none. True: another exchange has begun, into the same sink, which
   * hears nothing of this failure.
   */
  failed(failure: Failure): boolean
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
 * knows nothing of replies, retries or caches: those watch, or are sinks.
 */
export function sendHttp(
  target: Dispatcher,
  request: HttpRequest,
  sink: AnswerSink,
  watcher: ExchangeWatcher,
): Sending {
  const exchange = new Exchange(request, sink, watcher)
  const { method, target: path, headers, body, responseTimeoutMs: headersTimeout } = request
  target.dispatch(
    { method: method as Dispatcher.HttpMethod, path, headers, body: body?.stream ?? null, headersTimeout },
    exchange,
  )
  return exchange
}

/** They wait in memory for a client that does not read, since nothing can hold them back: no more are passed on. */
const mostInterimAnswers = 100

/** One object per request, called by undici's parser: no stream, no event emitter, no signal between the two sockets. */
class Exchange implements Dispatcher.DispatchHandler, AnswerSource, Sending {
  readonly #request: HttpRequest
  readonly #sink: AnswerSink
  readonly #watcher: ExchangeWatcher
  #controller: Dispatcher.DispatchController | null = null
  #abortReason: Error | null = null
  #interimAnswers = 0
  #hasAnswered = false
  #passesTrailers = false

  constructor(request: HttpRequest, sink: AnswerSink, watcher: ExchangeWatcher) {
    this.#request = request
    this.#sink = sink
    this.#watcher = watcher
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
    if (status < 200) {
      // RFC 9110 §8.6 forbids it, and a client might wait for so many bytes.
      delete headers['content-length']
      if (this.#interimAnswers++ < mostInterimAnswers) this.#sink.informed(status, headers)
    } else if (status > 599) controller.abort(new Error(`the upstream answered with the status ${status}`))
    else this.#begin(status, headers)
  }

  #begin(status: number, headers: HeaderFields): void {
    this.#hasAnswered = true
    this.#passesTrailers = headers.trailer !== undefined
    this.#watcher.answered(headers)
    this.#sink.begin(status, headers, this)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#sink.write(chunk)) controller.pause()
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: object): void {
    this.#request.body?.unwatch()
    this.#watcher.ended()
    this.#sink.end(this.#passesTrailers ? passableTrailers(trailers as HeaderFields) : null)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#request.body?.unwatch()
    const hasAnswered = this.#hasAnswered
    const wasSent = this.#controller !== null
    const failure: Failure = { error, wasSent, hasInformed: this.#interimAnswers > 0, hasAnswered }
    if (hasAnswered) this.#watcher.ended()
    else if (this.#watcher.failed(failure)) return
    this.#sink.failed(failure)
  }
}
