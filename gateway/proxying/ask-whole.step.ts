import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import { askUpstream } from './ask-upstream.ts'
import type { Upstreams } from './balancing/open-upstreams.ts'
import { CallNotes } from './call-notes.ts'
import type { CompleteHead } from './complete-head.ts'
import type { RequestBody } from './request-body.ts'
import { createRequestHeaders, type RequestHeaderOptions } from './request-headers.ts'
import type { AnswerSink, Failure, HeaderFields, HttpRequest, Sending } from './send-http.ts'
import { upstreamError } from './upstream-error.ts'

export interface AskWholeOptions extends RequestHeaderOptions {
  readonly upstreams: Upstreams
  readonly completeHead: CompleteHead
}

/** An upstream's answer, all of it in memory. */
export interface WholeAnswer {
  readonly status: number
  /** End-to-end ones only. */
  readonly headers: HeaderFields
  readonly body: Buffer
}

/** Largest body, of a request and of an answer. */
const mostBytes = 1_048_576

/**
 * In place of the forwarder for the few exchanges that a step of ours has to read: the route's upstream is asked as the
 * forwarder asks it, and answers whole.
 */
export function askWhole({ upstreams, completeHead, ...options }: AskWholeOptions) {
  const requestHeaders = createRequestHeaders(options)

  return {
    /** @throws GatewayError `body-too-large` */
    readBody: async ({ raw }: FastifyRequest): Promise<Buffer> => {
      const tooLarge = new GatewayError('body-too-large')
      if (Number(raw.headers['content-length'] ?? 0) > mostBytes) throw tooLarge
      return readAll(raw, tooLarge)
    },

    /** @throws GatewayError as the forwarder does; `upstream-broken` also for an answer that is too large */
    async ask(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<WholeAnswer> {
      const { raw, journey } = request
      const headers = requestHeaders(raw.headers, journey, raw.socket.remoteAddress ?? '', raw.httpVersion)
      // What is read must not be packed.
      headers['accept-encoding'] = 'identity'
      if (body.length > 0) headers['content-length'] = String(body.length)
      else delete headers['content-length']
      const asked: HttpRequest = {
        method: raw.method as string,
        target: raw.url as string,
        headers,
        body: body.length > 0 ? bodyAtHand(body) : null,
        takesTrailers: false,
        responseTimeoutMs: journey.route?.responseTimeoutMs ?? null,
      }
      const upstream = upstreams.of(journey.route?.upstream ?? '')
      const nowMs = performance.now()
      const sink = new WholeSink()
      const sending = askUpstream(upstream, request, asked, sink, new CallNotes(journey), nowMs)
      if (sending === null) throw upstream.refusal(nowMs)
      sink.follow(sending)
      reply.raw.once('close', () => sending.abort(new Error('the caller left')))
      try {
        return await sink.answer
      } catch (error) {
        throw upstreamError(error)
      }
    },

    /** Answers with it, and with the headers that the steps before have set. */
    send(reply: FastifyReply, { status, headers, body }: WholeAnswer): FastifyReply {
      const sent = { ...headers }
      delete sent['content-length']
      completeHead(sent, reply.getHeaders())
      reply.code(status).removeHeader('set-cookie').headers(sent)
      return body.length === 0 ? reply.send() : reply.send(body)
    },
  }
}

/** A body that has been read already, and needs no watching. */
const bodyAtHand = (body: Buffer): RequestBody => ({
  stream: Readable.from(body),
  length: body.length,
  trailers: null,
  watch: () => undefined,
  unwatch: () => undefined,
})

/** Collects an answer. */
class WholeSink implements AnswerSink {
  readonly answer: Promise<WholeAnswer>
  readonly #settle = Promise.withResolvers<WholeAnswer>()
  #status = 0
  #headers: HeaderFields = {}
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #sending: Sending | null = null

  constructor() {
    this.answer = this.#settle.promise
  }

  follow(sending: Sending): void {
    this.#sending = sending
  }

  informed(): void {}

  begin(status: number, headers: HeaderFields): void {
    this.#status = status
    this.#headers = headers
  }

  write(chunk: Buffer): boolean {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > mostBytes) {
      const cause = new Error('an answer above 1 MB')
      this.#sending?.abort(new GatewayError('upstream-broken', { cause }))
    }
    return true
  }

  end(): void {
    this.#settle.resolve({
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(this.#chunks),
    })
  }

  failed({ error }: Failure): void {
    this.#settle.reject(error)
  }
}

async function readAll(stream: AsyncIterable<Buffer>, tooLarge: GatewayError): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > mostBytes) throw tooLarge
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
