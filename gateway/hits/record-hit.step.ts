import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Journey } from '../journey.ts'
import type { Recorder } from './recorder.ts'

export interface RecordHitOptions {
  readonly recorder: Pick<Recorder, 'record'>
  /** Told of every recorded call; a counter of this process, so that it needs no store. */
  readonly onHit?: (service: string) => void
  /** Epoch milliseconds. */
  readonly now?: () => number
}

const longestRecordedPath = 256

/** By the app, or by what is stored of it. */
const wasAnswered = ({ upstreamStartedAtMs, cache }: Journey): boolean =>
  upstreamStartedAtMs !== null || cache?.kind === 'served'

/**
 * Step 9: counts a call that was forwarded to a route with a service, or answered for it by the cache.
 * Denied, unauthenticated and unmatched calls are not hits. The query is left out: it may hold secrets.
 */
export function recordHit({ recorder, onHit, now = Date.now }: RecordHitOptions) {
  return function recordHit(request: FastifyRequest, reply: FastifyReply): void {
    // A request that failed before the first step has no journey.
    const journey = request.journey as FastifyRequest['journey'] | null | undefined
    const service = journey?.route?.service
    if (!journey || !service || !wasAnswered(journey)) return
    const { caller, startedAtMs } = journey
    const durationMs = performance.now() - startedAtMs
    recorder.record({
      atMs: Math.round(now() - durationMs),
      accountId: caller.kind === 'connected' ? caller.accountId : null,
      service,
      method: request.method,
      path: journey.path.slice(0, longestRecordedPath),
      status: reply.statusCode,
      durationMs: Math.round(durationMs * 10) / 10,
    })
    onHit?.(service)
  }
}
