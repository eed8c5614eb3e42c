import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Upstreams } from './balancing/open-upstreams.ts'
import type { Attempt, Target } from './balancing/target.ts'
import type { TargetGroup } from './balancing/target-group.ts'
import { CallNotes } from './call-notes.ts'
import type { CompleteHead } from './complete-head.ts'
import { createRequestHeaders, type RequestHeaderOptions } from './request-headers.ts'
import { ResponseSink } from './response-sink.ts'
import type { HeaderFields, Sending } from './send-http.ts'
import { type HandshakeOwner, sendWebsocket as shakeHands } from './send-websocket.ts'
import { upstreamError } from './upstream-error.ts'
import { ClientEnd } from './websocket/client-end.ts'
import type { OpenWebsockets } from './websocket/open-websockets.ts'
import { isUpgrade } from './websocket/upgrades.ts'

export interface SendWebsocketOptions extends RequestHeaderOptions {
  readonly upstreams: Upstreams
  readonly completeHead: CompleteHead
  readonly websockets: OpenWebsockets
  /** Epoch milliseconds; null: the caller's session says how long the WebSocket may stay open. */
  readonly tokenExpiry: (request: FastifyRequest) => Promise<number | null>
  /** Longest that a client may take nothing of what waits for it. */
  readonly silentClientMs: number
  /** Longest that a socket may take to close when the gateway, or the other side, wants it closed. */
  readonly closingMs: number
}

/**
 * After step 4, in place of all that follows, for a WebSocket handshake, the only request with `upgrade` that gets here: asks the
 * route's upstream, and either switches the caller's connection too or passes on the other answer.
 *
 * The response ends with the 101, so that the call is counted and logged when it was answered. What lasts as long as
 * the socket waits for `journey.heldOpen`.
 */
export function sendWebsocket(options: SendWebsocketOptions) {
  const requestHeaders = createRequestHeaders(options)

  return function sendWebsocket(request: FastifyRequest, reply: FastifyReply): Promise<unknown> | undefined {
    return isUpgrade(request.raw) ? send(request, reply) : undefined
  }

  async function send(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { raw, journey } = request
    const expiresAtMs = await options.tokenExpiry(request)
    // Gone while the store was asked: 'close' has been emitted already.
    if (reply.raw.destroyed) return reply.hijack()
    const upstream = options.upstreams.of(journey.route?.upstream ?? '')
    const nowMs = performance.now()
    const attempt = upstream.begin(request, nowMs)
    if (attempt === null) throw upstream.refusal(nowMs)
    const headers = requestHeaders(raw.headers, journey, raw.socket.remoteAddress ?? '', raw.httpVersion)
    await new Promise<void>((resolve, reject) => {
      const call = new WebsocketCall(
        { request, reply, upstream, headers, expiresAtMs, options, resolve, reject },
        attempt,
      )
      reply.raw.once('close', () => call.abort(new Error('the caller left')))
    })
    return reply
  }
}

interface CallParts {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly upstream: TargetGroup
  readonly headers: HeaderFields
  readonly expiresAtMs: number | null
  readonly options: SendWebsocketOptions
  /** Called when the reply has been taken over. */
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** One handshake, with one target after the other while they cannot be reached. */
class WebsocketCall implements HandshakeOwner, Sending {
  readonly #parts: CallParts
  readonly #notes: CallNotes
  readonly #tried: Target[] = []
  #attempt: Attempt
  #client: ClientEnd
  #sending: Sending

  constructor(parts: CallParts, attempt: Attempt) {
    this.#parts = parts
    this.#notes = new CallNotes(parts.request.journey)
    this.#notes.upstreamAsked(performance.now())
    this.#attempt = attempt
    this.#client = this.#newClientEnd()
    this.#sending = this.#send()
  }

  abort(reason: Error): void {
    this.#sending.abort(reason)
  }

  switched(headers: HeaderFields): void {
    const { request, reply, expiresAtMs, options, resolve } = this.#parts
    const client = this.#client
    this.#noteAnswer(headers)
    this.#attempt.switched()
    const closed = new Promise<void>((resolveClosed) => client.once('close', () => resolveClosed()))
    request.journey.heldOpen = closed
    void closed.then(() => this.#attempt.ended(performance.now()))
    options.completeHead(headers, reply.getHeaders())
    Object.assign(headers, { connection: 'Upgrade', upgrade: 'websocket' })
    reply.hijack()
    reply.raw.writeHead(101, headers).end()
    options.websockets.add(client, request.journey.caller, expiresAtMs)
    resolve()
  }

  answered(status: number, headers: HeaderFields, body: IncomingMessage): void {
    const { reply, options, resolve } = this.#parts
    const { raw } = reply
    this.#noteAnswer(headers)
    reply.hijack()
    const owner = {
      completeHead: (fields: HeaderFields): void => options.completeHead(fields, reply.getHeaders()),
      // Its head has come: what breaks later breaks for the caller too.
      refuse: (): unknown => raw.destroy(),
    }
    const sink = new ResponseSink(raw, owner, options.silentClientMs)
    sink.begin(status, headers, { resume: () => void body.resume() })
    body.on('data', (chunk: Buffer) => {
      if (!sink.write(chunk)) body.pause()
    })
    body.once('end', () => sink.end(null))
    body.once('error', () => raw.destroy())
    body.once('close', () => this.#attempt.ended(performance.now()))
    raw.once('close', () => body.destroy())
    resolve()
  }

  failed(error: Error): void {
    const { request, upstream, reject } = this.#parts
    const nowMs = performance.now()
    const fault = this.#attempt.failed(error, nowMs)
    this.#tried.push(this.#attempt.target)
    // Nothing has been sent to a target that was not reached.
    const next = fault === 'unreachable' ? upstream.begin(request, nowMs, this.#tried) : null
    if (next === null) {
      this.#notes.upstreamFailed(fault, nowMs)
      reject(upstreamError(error))
    } else {
      this.#attempt = next
      this.#client = this.#newClientEnd()
      this.#sending = this.#send()
    }
  }

  #newClientEnd(): ClientEnd {
    const { request, options } = this.#parts
    return new ClientEnd(request.raw.socket, options)
  }

  #send(): Sending {
    const { request, upstream, headers } = this.#parts
    const { ca, connectTimeoutMs, responseTimeoutMs } = upstream.connecting
    const handshake = {
      ...{ url: this.#attempt.target.url, target: request.raw.url as string, headers, connectTimeoutMs },
      responseTimeoutMs: request.journey.route?.responseTimeoutMs ?? responseTimeoutMs,
      ...(ca === undefined ? {} : { ca }),
    }
    return shakeHands(handshake, this.#client, this)
  }

  #noteAnswer(headers: HeaderFields): void {
    const nowMs = performance.now()
    this.#attempt.answered(nowMs)
    this.#notes.upstreamAnswered(headers, nowMs)
  }
}
