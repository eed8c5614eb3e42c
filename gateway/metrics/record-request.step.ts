import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Metrics } from './metrics.ts'

export interface RecordRequestOptions {
  readonly metrics: Pick<Metrics, 'requestFinished'>
  /** False when the log's level hides the line anyway. */
  readonly isLogging: boolean
}

/** Longest path that a log line carries. */
const pathLength = 300

/**
 * Step 10, the end of the road: one line in the log and the figures of one request. Queries, cookies and
 * bodies stay out of the log, since that is where secrets are.
 */
export function recordRequest({ metrics, isLogging }: RecordRequestOptions) {
  return function recordRequest(request: FastifyRequest, reply: FastifyReply): void {
    // A request that failed before the first step has no journey.
    const journey = request.journey as FastifyRequest['journey'] | null
    if (journey === null) return
    const now = performance.now()
    const durationMs = now - journey.startedAtMs
    const overheadMs = (journey.upstreamStartedAtMs ?? now) - journey.startedAtMs
    const route = journey.route?.name ?? request.routeOptions.url ?? null
    metrics.requestFinished({
      route,
      method: request.method,
      status: reply.statusCode,
      durationSeconds: durationMs / 1000,
      overheadSeconds: overheadMs / 1000,
    })
    if (!isLogging) return
    const { caller, decision } = journey
    request.log.info(
      {
        requestId: journey.requestId,
        method: request.method,
        path: withoutQuery(request.raw.url ?? ''),
        route,
        status: reply.statusCode,
        address: journey.address,
        caller: caller.kind === 'connected' ? caller.accountId : null,
        decision: decision?.kind ?? null,
        tier: decision?.tier ?? null,
        shadowDenied: decision === null ? [] : shadowDenied(decision),
        upstream: journey.upstreamStartedAtMs === null ? null : (journey.route?.upstream ?? null),
        durationMs: rounded(durationMs),
        upstreamMs: journey.upstreamDurationMs === null ? null : rounded(journey.upstreamDurationMs),
      },
      'request',
    )
  }
}

/** Names of the policies that would have denied the call, had they been enforced. */
function shadowDenied(decision: NonNullable<FastifyRequest['journey']['decision']>): string[] {
  if (!('windows' in decision)) return []
  const shadows = decision.windows.filter(({ request, hasRoom }) => request.isShadow && !hasRoom)
  return shadows.map(({ request }) => request.policy.name)
}

const withoutQuery = (url: string): string => (url.split('?', 1)[0] as string).slice(0, pathLength)

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000
