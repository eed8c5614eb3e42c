import type { Connection, Exchange as HttpExchange } from './http1/connection.ts'
import type { Connections } from './http1/connections.ts'
import type { ResponseHead } from './http1/response-head.ts'
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
  /**
   * Whether it was lost on a connection that had carried others: its app may have closed that one for being idle just as
   * the request left, and never have seen it (RFC 9112 §9.3.1).
   */
  readonly wasReused: boolean
}

/** What a sink is told when nobody was asked at all. */
export const refusedBy = (error: Error): Failure => ({
  error,
  wasSent: false,
  hasInformed: false,
  hasAnswered: false,
  wasReused: false,
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
 *
 * @param isFresh on a new connection: those that are open may be stale
 */
export function sendHttp(
  target: Connections,
  request: HttpRequest,
  sink: AnswerSink,
  watcher: ExchangeWatcher,
  isFresh = false,
): Sending {
  const exchange = new Exchange(target, request, sink, watcher)
  target.send(exchange, isFresh)
  return exchange
}

/** They wait in memory for a client that does not read, since nothing can hold them back: no more are passed on. */
const mostInterimAnswers = 100

/** One object per request, called by its connection: no stream, no event emitter, no signal between the two sockets. */
class Exchange implements HttpExchange, AnswerSource, Sending {
  readonly request: HttpRequest
  readonly #target: Connections
  readonly #sink: AnswerSink
  readonly #watcher: ExchangeWatcher
  /** Null before it has begun, and when it is over. */
  #connection: Connection | null = null
  #wasSent = false
  #isOver = false
  #interimAnswers = 0
  #hasAnswered = false
  /** The head's Connection field, when trailers may follow; null: none pass. */
  #trailing: { readonly connection: string | string[] | undefined } | null = null

  constructor(target: Connections, request: HttpRequest, sink: AnswerSink, watcher: ExchangeWatcher) {
    this.request = request
    this.#target = target
    this.#sink = sink
    this.#watcher = watcher
  }

  abort(reason: Error): void {
    if (this.#isOver) return
    if (this.#connection !== null) return void this.#connection.abort(reason)
    this.#target.withdraw(this)
    this.failed(reason, false)
  }

  resume(): void {
    this.#connection?.resume()
  }

  begun(connection: Connection): boolean {
    if (this.#isOver) return false
    this.#connection = connection
    this.#wasSent = true
    this.request.body?.watch(this)
    return true
  }

  informed({ status, headers: fields }: ResponseHead): void {
    if (this.#interimAnswers++ >= mostInterimAnswers) return
    const headers = responseHeaders(fields, false)
    // RFC 9110 §8.6 forbids it, and a client might wait for so many bytes.
    delete headers['content-length']
    this.#sink.informed(status, headers)
  }

  answered({ status, headers: fields }: ResponseHead): void {
    if (status > 599) return void this.abort(new Error(`the upstream answered with the status ${status}`))
    const headers = responseHeaders(fields, this.request.takesTrailers)
    this.#hasAnswered = true
    if (headers.trailer !== undefined) this.#trailing = { connection: fields.connection }
    this.#watcher.answered(headers)
    this.#sink.begin(status, headers, this)
  }

  received(chunk: Buffer): boolean {
    return this.#sink.write(chunk)
  }

  ended(trailers: HeaderFields): void {
    this.#end()
    this.#watcher.ended()
    const trailing = this.#trailing
    try {
      this.#sink.end(trailing === null ? null : passableTrailers(trailers, trailing.connection))
    } catch (error) {
      // The connection has done its part, and nobody else would tell the caller.
      this.#sink.failed(this.#failure(error as Error, false))
    }
  }

  failed(error: Error, wasReused: boolean): void {
    if (this.#isOver) return
    this.#end()
    const failure = this.#failure(error, wasReused)
    if (failure.hasAnswered) this.#watcher.ended()
    else if (this.#watcher.failed(failure)) return
    this.#sink.failed(failure)
  }

  #failure(error: Error, wasReused: boolean): Failure {
    const hasInformed = this.#interimAnswers > 0
    return { error, wasSent: this.#wasSent, hasInformed, hasAnswered: this.#hasAnswered, wasReused }
  }

  #end(): void {
    this.#isOver = true
    this.#connection = null
    this.request.body?.unwatch()
  }
}
