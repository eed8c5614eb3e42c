import type { FastifyReply, FastifyRequest } from 'fastify'
import type {} from '../journey.ts'
import { type FillingOptions, fillingFilter } from './filling.ts'
import { bypassingFilter, invalidatingFilter, isUnsafe } from './invalidation.ts'

/**
 * Step 6: listens to what the forwarder will hear. What may be kept is kept, and a call that may have changed
 * something makes what is stored of that address doubtful.
 */
export function storeResponse(options: FillingOptions) {
  return function storeResponse({ journey, raw }: FastifyRequest, reply: FastifyReply): void {
    const { route, cache } = journey
    if (!route?.isCached) return
    if (isUnsafe(raw.method as string)) {
      journey.filterAnswer = invalidatingFilter(options.responses, raw.headers.host ?? '', raw.url as string)
      return
    }
    journey.filterAnswer = bypassingFilter
    if (cache?.kind !== 'filling') return
    const { filling } = cache
    const filter = fillingFilter(filling, options)
    let isAsked = false
    journey.filterAnswer = (asked, client) => {
      isAsked = true
      return filter(asked, client)
    }
    const giveWay = (): void => {
      if (!isAsked) filling.flight?.land({ kind: 'failed' })
    }
    // Who left before the app was asked must not keep the others waiting.
    if (reply.raw.destroyed) giveWay()
    else reply.raw.once('close', giveWay)
  }
}
