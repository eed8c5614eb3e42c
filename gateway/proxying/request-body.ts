import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { GatewayError } from '../errors.ts'
import { RequestTrailers } from './request-trailers.ts'
import type { Sending } from './send-http.ts'

export interface BodyLimits {
  readonly maxBodyBytes: number
  /** Longest silence of a client that still has a part of its body to send. */
  readonly silentClientMs: number
}

/** A body on its way to the upstream. */
export interface RequestBody {
  readonly stream: Readable
  /** In bytes, as announced; null: it comes in chunks. */
  readonly length: number | null
  /** Null: nothing can follow. */
  readonly trailers: RequestTrailers | null
  /** Called when its sending begins: gives it up when the body is longer or its client slower than allowed. */
  watch(sending: Sending): void
  unwatch(): void
}

/**
 * The body to forward, or null when there is none. A GET or HEAD has none either: one that was sent all
 * the same is read and dropped, since apps disagree on what it means.
 *
 * @throws GatewayError `body-too-large` when its length is announced
 */
export function requestBody(raw: IncomingMessage, limits: BodyLimits): RequestBody | null {
  if (raw.method === 'GET' || raw.method === 'HEAD') return null
  const length = raw.headers['content-length']
  if (raw.headers['transfer-encoding'] !== undefined) return new WatchedBody(raw, null, limits)
  if (length === undefined || length === '0') return null
  if (Number(length) > limits.maxBodyBytes) throw new GatewayError('body-too-large')
  return new WatchedBody(raw, Number(length), limits)
}

class WatchedBody implements RequestBody {
  readonly stream: IncomingMessage
  readonly length: number | null
  readonly trailers: RequestTrailers | null
  readonly #limits: BodyLimits
  #received = 0
  #sending: Sending | null = null

  constructor(stream: IncomingMessage, length: number | null, limits: BodyLimits) {
    this.stream = stream
    this.length = length
    this.trailers = length === null ? new RequestTrailers(stream) : null
    this.#limits = limits
  }

  watch(sending: Sending): void {
    this.#sending = sending
    this.stream.on('data', this.#count)
    this.stream.on('timeout', this.#checkIdle)
    this.stream.setTimeout(this.#limits.silentClientMs)
    this.stream.once('end', () => this.unwatch())
  }

  unwatch(): void {
    if (this.#sending === null) return
    this.#sending = null
    this.stream.off('data', this.#count).off('timeout', this.#checkIdle)
    this.stream.setTimeout(0)
  }

  readonly #count = (chunk: Buffer): void => {
    this.#received += chunk.length
    if (this.#received > this.#limits.maxBodyBytes) this.#sending?.abort(new GatewayError('body-too-large'))
  }

  readonly #checkIdle = (): void => {
    // While the upstream has no room, the silence is not the client's.
    if (this.stream.isPaused()) this.stream.setTimeout(this.#limits.silentClientMs)
    else this.#sending?.abort(new GatewayError('request-timeout'))
  }
}
