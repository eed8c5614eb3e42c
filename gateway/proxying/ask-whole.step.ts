import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { CompleteHead } from './complete-head.ts'
import { createRequestHeaders, type RequestHeaderOptions } from './request-headers.ts'
import { responseHeaders } from './response-headers.ts'
import type { HeaderFields } from './send-http.ts'
import { upstreamError } from './upstream-error.ts'
import type { UpstreamPools } from './upstream-pools.ts'

export interface AskWholeOptions extends RequestHeaderOptions {
  readonly pools: UpstreamPools
  readonly completeHead: CompleteHead
  readonly upstreamAnswered: (upstream: string, durationMs: number, isUp: boolean) => void
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
export function askWhole({ pools, completeHead, upstreamAnswered, ...options }: AskWholeOptions) {
  const requestHeaders = createRequestHeaders(options)

  return {
    /** @throws GatewayError `body-too-large` */
    readBody: async ({ raw }: FastifyRequest): Promise<Buffer> => {
      const tooLarge = new GatewayError('body-too-large')
      if (Number(raw.headers['content-length'] ?? 0) > mostBytes) throw tooLarge
      return readAll(raw, tooLarge)
    },

    /** @throws GatewayError as the forwarder does; `upstream-broken` also for an answer that is too large */
    async ask({ raw, journey }: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<WholeAnswer> {
      const upstream = journey.route?.upstream ?? ''
      const headers = requestHeaders(raw.headers, journey, raw.socket.remoteAddress ?? '', raw.httpVersion)
      // What is read must not be packed.
      headers['accept-encoding'] = 'identity'
      delete headers['content-length']
      const left = new AbortController()
      reply.raw.once('close', () => left.abort())
      const startedAtMs = performance.now()
      journey.upstreamStartedAtMs = startedAtMs
      const answered = (isUp: boolean): void => {
        journey.upstreamDurationMs = performance.now() - startedAtMs
        if (!left.signal.aborted) upstreamAnswered(upstream, journey.upstreamDurationMs, isUp)
      }
      try {
        const answer = await pools.of(upstream).request({
          path: raw.url as string,
          method: raw.method as 'POST',
          headers,
          signal: left.signal,
          ...(body.length > 0 && { body }),
        })
        const tooLarge = new GatewayError('upstream-broken', { cause: new Error('an answer above 1 MB') })
        const whole = {
          status: answer.statusCode,
          headers: responseHeaders(answer.headers as HeaderFields, false),
          body: await readAll(answer.body, tooLarge),
        }
        answered(true)
        return whole
      } catch (error) {
        answered(false)
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
