import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import { askerOf, planOf, sessionOf } from './admit.step.ts'
import type { LimitNewsChannel } from './limit-news.ts'
import type { Limiter } from './limiter.ts'
import type { EventSink } from './quota-stream.ts'
import { createQuotaStreams } from './quota-streams.ts'
import { type QuotaRequest, readQuota } from './read-quota.ts'
import { addressSubject } from './subject.ts'
import { type ReachableRoute, windowsOfCaller } from './windows-of-caller.ts'

export interface QuotaOptions {
  readonly limiter: Limiter
  readonly news: LimitNewsChannel
  readonly routes: readonly ReachableRoute[]
  /** Fills `journey.caller`, and refuses a token that is worth nothing. */
  readonly identify: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
  readonly refuseDeadSession: (request: FastifyRequest, reply: FastifyReply) => FastifyReply
  readonly mostStreamsPerCaller?: number
}

const mostPerCaller = 4

/** `GET /quota` and `GET /quota/events`: what is left, now and as it changes. Neither is counted. */
export async function quotaRoutes(app: FastifyInstance, options: QuotaOptions): Promise<void> {
  const { limiter, news, identify, refuseDeadSession } = options
  const streams = createQuotaStreams({ limiter, news, mostPerCaller })
  app.addHook('onRequest', identify)
  // Streams never end by themselves, and a listener that closes waits for its connections.
  app.addHook('preClose', async () => streams.end())

  app.get('/quota', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const reading = await readQuota(limiter, quotaRequestOf(request, options.routes))
    if (reading.kind === 'session-ended') return refuseDeadSession(request, reply)
    if (reading.kind === 'store-away') throw storeAway(reading.closed)
    return reply.send(reading.state)
  })

  app.get('/quota/events', async (request, reply) => {
    const asked = quotaRequestOf(request, options.routes)
    const closed = new Promise((resolve) => reply.raw.once('close', resolve))
    // Asked before the answer begins, so that a dead session is a 401 and no stream.
    const looked = await limiter.look(asked)
    if (looked.kind === 'session-ended') return refuseDeadSession(request, reply)
    if (looked.kind === 'store-away') throw storeAway(looked.closed)
    if (request.method === 'HEAD') return reply.headers(streamHeaders).send()
    const sink = createSink(request, reply)
    switch (streams.open(callerOf(request), asked, sink, closed)) {
      case 'opened':
        return reply
      case 'too-many-of-caller':
        throw new GatewayError('quota-exceeded', {
          sentence: `At most ${mostPerCaller} streams of events may be open at once. Close one, or ask /quota.`,
          retryAfterSeconds: 15,
          members: { 'violated-policies': ['quota-events'] },
        })
      default:
        throw new GatewayError('overloaded', { retryAfterSeconds: 5 })
    }
  })
}

export function quotaRequestOf(request: FastifyRequest, routes: readonly ReachableRoute[]): QuotaRequest {
  const windows = windowsOfCaller(routes, askerOf(request), planOf(request))
  const { caller, requestId } = request.journey
  const accountId = caller.kind === 'connected' ? caller.accountId : null
  return { session: sessionOf(request), windows, callId: requestId, accountId }
}

export const storeAway = (closed: readonly { readonly name: string }[]): GatewayError =>
  new GatewayError('store-unavailable', {
    retryAfterSeconds: 1,
    members: { 'violated-policies': closed.map(({ name }) => name) },
  })

const callerOf = ({ journey: { caller, address } }: FastifyRequest): string =>
  caller.kind === 'connected' ? `u:${caller.accountId}` : addressSubject(address)

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Asks an nginx in front to pass events on at once.
  'x-accel-buffering': 'no',
}

/** The answer begins with the first event, so that a refusal before it is still an answer of its own. */
function createSink(request: FastifyRequest, reply: FastifyReply): EventSink {
  const { raw } = reply
  let hasBegun = false

  function begin(): void {
    hasBegun = true
    // From here on it is the reader's time, none of the gateway's.
    request.journey.upstreamStartedAtMs = performance.now()
    reply.hijack()
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      ...streamHeaders,
    })
    raw.on('error', () => {})
  }

  return {
    write(text) {
      if (!hasBegun) begin()
      return raw.write(text)
    },
    drained: (listener) => void raw.on('drain', listener),
    end: (text) => void raw.end(text),
    cut: () => void raw.destroy(),
  }
}
