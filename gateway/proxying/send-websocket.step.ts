import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Journey } from '../journey.ts'
import type { Upstreams } from './balancing/open-upstreams.ts'
import type { Attempt } from './balancing/target.ts'
import { CallNotes } from './call-notes.ts'
import type { CompleteHead } from './complete-head.ts'
import { createRequestHeaders, type RequestHeaderOptions } from './request-headers.ts'
import { ResponseSink } from './response-sink.ts'
import type { HeaderFields } from './send-http.ts'
import { type HandshakeOwner, sendWebsocket as shakeHands } from './send-websocket.ts'
import { upstreamError } from './upstream-error.ts'
import { ClientEnd } from './websocket/client-end.ts'
import type { OpenWebsockets } from './websocket/open-websockets.ts'
import { isUpgrade } from './websocket/upgrades.ts'

export interface SendWebsocketOptions extends RequestHeaderOptions {
  readonly upstreams: Upstreams
  readonly completeHead: CompleteHead
  readonly websockets: OpenWebsockets
  /** Longest that a client may take nothing of what waits for it. */
  readonly silentClientMs: number
  /** Longest that a socket may take to close when the gateway, or the other side, wants it closed. */
  readonly closingMs: number
}

/**
 * In place of all that follows for a WebSocket handshake, the only request with `upgrade` that gets here: asks the
 * route's upstream, and either switches the caller's connection too or passes on the other answer.
 *
 * The response ends with the 101, so that the call is counted and logged when it was answered. What lasts as long as
 * the socket waits for `journey.heldOpen`.
 */
export function sendWebsocket(options: SendWebsocketOptions) {
  const requestHeaders = createRequestHeaders(options)

  return async function sendWebsocket(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { raw, journey } = request
    if (!isUpgrade(raw)) return undefined
    const nowMs = performance.now()
    const upstream = options.upstreams.of(journey.route?.upstream ?? '')
    const attempt = upstream.begin(request, nowMs)
    if (attempt === null) throw upstream.refusal(nowMs)
    const notes = new CallNotes(journey)
    notes.upstreamAsked(nowMs)
    const { ca, connectTimeoutMs, responseTimeoutMs } = upstream.connecting
    const handshake = {
      url: attempt.target.url,
      target: raw.url as string,
      headers: requestHeaders(raw.headers, journey, raw.socket.remoteAddress ?? '', raw.httpVersion),
      connectTimeoutMs,
      responseTimeoutMs: journey.route?.responseTimeoutMs ?? responseTimeoutMs,
      ...(ca === undefined ? {} : { ca }),
    }
    await new Promise<void>((resolve, reject) => {
      const client = new ClientEnd(raw.socket, options)
      const call = new Call({ journey, reply, attempt, notes, client, options, resolve, reject })
      const sending = shakeHands(handshake, client, call)
      reply.raw.once('close', () => sending.abort(new Error('the caller left')))
    })
    return reply
  }
}

interface CallParts {
  readonly journey: Journey
  readonly reply: FastifyReply
  readonly attempt: Attempt
  readonly notes: CallNotes
  readonly client: ClientEnd
  readonly options: SendWebsocketOptions
  /** Called when the reply has been taken over. */
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** What becomes of one handshake. */
class Call implements HandshakeOwner {
  readonly #parts: CallParts

  constructor(parts: CallParts) {
    this.#parts = parts
  }

  switched(headers: HeaderFields): void {
    const { journey, reply, client, attempt, options, resolve } = this.#parts
    this.#noteAnswer(headers)
    journey.heldOpen = new Promise((closed) => client.once('close', () => closed()))
    client.once('close', () => attempt.ended(performance.now()))
    options.completeHead(headers, reply.getHeaders())
    Object.assign(headers, { connection: 'Upgrade', upgrade: 'websocket' })
    reply.hijack()
    reply.raw.writeHead(101, headers).end()
    options.websockets.add(client, journey.caller)
    resolve()
  }

  answered(status: number, headers: HeaderFields, body: IncomingMessage): void {
    const { reply, options, attempt, resolve } = this.#parts
    const { raw } = reply
    this.#noteAnswer(headers)
    reply.hijack()
    const sink = new ResponseSink(
      raw,
      {
        completeHead: (fields) => options.completeHead(fields, reply.getHeaders()),
        // Its head has come: what breaks later breaks for the caller too.
        refuse: () => raw.destroy(),
      },
      options.silentClientMs,
    )
    sink.begin(status, headers, { resume: () => void body.resume() })
    body.on('data', (chunk: Buffer) => {
      if (!sink.write(chunk)) body.pause()
    })
    body.once('end', () => sink.end(null))
    body.once('error', () => raw.destroy())
    body.once('close', () => attempt.ended(performance.now()))
    raw.once('close', () => body.destroy())
    resolve()
  }

  failed(error: Error): void {
    const { attempt, notes, reject } = this.#parts
    const nowMs = performance.now()
    notes.upstreamFailed(attempt.failed(error, nowMs), nowMs)
    reject(upstreamError(error))
  }

  #noteAnswer(headers: HeaderFields): void {
    const { attempt, notes } = this.#parts
    const nowMs = performance.now()
    attempt.answered(nowMs)
    notes.upstreamAnswered(headers, nowMs)
  }
}
