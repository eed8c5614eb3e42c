import type { FastifyReply, FastifyRequest } from 'fastify'
import type {} from '../journey.ts'

/** A year: less is no promise (ASVS 3.4.1). */
const policy = 'max-age=31536000'

/**
 * Tells browsers to come by https alone (RFC 6797), on answers that no app gave: what holds for its own, the app says
 * itself. Null where there is nothing to tell: over http, and of `localhost`, whose other ports are other people's.
 *
 * @param publicUrl where browsers reach the gateway
 */
export function keepToHttps(publicUrl: string) {
  const { protocol, hostname } = new URL(publicUrl)
  if (protocol !== 'https:' || hostname === 'localhost') return null
  return async function keepToHttps(request: FastifyRequest, reply: FastifyReply, payload: unknown) {
    // A request that failed before the first step has no journey.
    const journey = request.journey as FastifyRequest['journey'] | null
    if ((journey?.upstreamStartedAtMs ?? null) === null) reply.header('strict-transport-security', policy)
    return payload
  }
}
