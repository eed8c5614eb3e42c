import type { onRequestHookHandler } from 'fastify'
import { errorTable, GatewayError } from '../errors.ts'
import { problemOf } from '../problem.ts'
import type { LoopLag } from './loop-lag.ts'

export type ShedReason = 'in-flight' | 'event-loop'

export interface ShedOptions {
  /** Requests that may be under way at the same time. */
  readonly maxInFlight: number
  /** The event loop may run this late. */
  readonly maxLagMs: number
  readonly lag: Pick<LoopLag, 'meanMs'>
  /** Told of each request that is turned away. */
  readonly shed: (reason: ShedReason) => void
}

const retryAfterSeconds = 1

/**
 * Before the road begins: turns requests away while more are under way than memory is sure to hold, or while each
 * waits so long for its turn that all would be too late. It writes the answer itself: a refusal that cost as
 * much as an answer would help nobody.
 */
export function shedOverload({ maxInFlight, maxLagMs, lag, shed }: ShedOptions): onRequestHookHandler {
  const { status } = errorTable.overloaded
  const overloaded = new GatewayError('overloaded', { retryAfterSeconds })
  let inFlight = 0
  const ended = (): void => void inFlight--

  return function shedOverload(request, reply, done) {
    const { raw } = reply
    const reason = inFlight >= maxInFlight ? 'in-flight' : lag.meanMs > maxLagMs ? 'event-loop' : null
    if (reason === null) {
      inFlight++
      raw.on('close', ended)
      return done()
    }
    shed(reason)
    reply.hijack()
    const body = JSON.stringify(problemOf(overloaded, request.id))
    raw.writeHead(status, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'retry-after': String(retryAfterSeconds),
      'x-request-id': request.id,
      // What it still has to send would be read for nothing.
      ...(!request.raw.complete && { connection: 'close' }),
    })
    raw.end(body)
  }
}
