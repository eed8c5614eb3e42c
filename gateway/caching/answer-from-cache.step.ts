import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type {} from '../journey.ts'
import type { AnswerFilter, HeaderFields } from '../proxying/send-http.ts'
import { type CacheableRequest, readRequest } from './cache-request.ts'
import { endResponse } from './end-response.ts'
import { type Filling, type FillingOptions, fillingFilter } from './filling.ts'
import type { Found } from './find-stored.ts'
import { createFlights } from './flights.ts'
import { type Look, lookUp, waitMs } from './look-up.ts'
import { storedAnswer } from './stored-answer.ts'

export interface AnswerFromCacheOptions extends FillingOptions {
  /** Names of the gateway's own cookies, which no app sees. */
  readonly ownCookies: readonly string[]
  /** Adds to an answer's headers what the gateway has to say to this caller. */
  readonly completeHead: (reply: FastifyReply, headers: HeaderFields) => void
  /** Asks the app what this request asks, for nobody who waits. */
  readonly askBehind: (request: FastifyRequest, filter: AnswerFilter) => void
}

/**
 * Step 5: do we know the answer already? On a route with a cache a stored answer is given while it is fresh, or
 * while it is renewed behind the caller's back. Equal questions that come together are asked once.
 */
export function answerFromCache(options: AnswerFromCacheOptions) {
  const { ownCookies, completeHead, askBehind, now, finished } = options
  const looking = { ...options, flights: createFlights({ waitMs }) }

  function serve(request: FastifyRequest, reply: FastifyReply, asked: CacheableRequest, look: Usable): void {
    const { found, usability, isNew } = look
    const isStale = usability.kind !== 'fresh'
    request.journey.cache = { kind: 'served' }
    finished(routeOf(request), isStale ? 'stale' : 'hit')
    const answer = storedAnswer(asked, found.response, now(), isNew ? 'fwd=miss; collapsed' : 'hit')
    reply.hijack()
    completeHead(reply, answer.headers)
    reply.raw.writeHead(answer.status, answer.headers)
    if (answer.body === null) reply.raw.end()
    else endResponse(reply.raw, answer.body)
    if (isStale) renew(request, asked, found)
  }

  function renew(request: FastifyRequest, asked: CacheableRequest, found: Found): void {
    const boarding = looking.flights.board(`renewal of ${found.variant}`, null)
    if (boarding.kind === 'waits') return
    const { flight } = boarding
    const filling = fillingOf(request, { ...asked, isHead: false }, { found, flight })
    // Nobody waits for it, and it has been counted.
    askBehind(request, fillingFilter(filling, { ...options, finished: () => undefined }))
  }

  function fillingOf(
    request: FastifyRequest,
    asked: CacheableRequest,
    { found, flight }: Pick<Filling, 'found' | 'flight'>,
  ): Filling {
    const wantsNews = asked.directives.has('no-cache') || asked.directives.has('max-age')
    const reason = found === null ? 'miss' : wantsNews ? 'request' : 'stale'
    const { journey, raw } = request
    const place = { target: raw.url as string, path: journey.path, route: routeOf(request) }
    return { request: asked, ...place, found, reason, flight, askedAtMs: performance.now() }
  }

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: CacheableRequest,
  ): Promise<unknown> {
    const look = await lookUp(looking, asked)
    if (look.kind === 'usable') {
      serve(request, reply, asked, look)
      return reply
    }
    if (asked.directives.has('only-if-cached')) throw new GatewayError('not-stored')
    request.journey.cache = { kind: 'filling', filling: fillingOf(request, asked, look) }
    return undefined
  }

  return function answerFromCache(
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> | undefined {
    const { journey, raw } = request
    if (!journey.route?.isCached) return undefined
    const asked = readRequest({
      method: raw.method as string,
      target: raw.url as string,
      headers: raw.headers,
      caller: journey.caller,
      address: journey.address,
      ownCookies,
    })
    if (asked.kind === 'bypass') {
      finished(routeOf(request), 'bypass')
      return undefined
    }
    return answer(request, reply, asked)
  }
}

type Usable = Extract<Look, { kind: 'usable' }>

const routeOf = ({ journey }: FastifyRequest): string => journey.route?.name ?? ''
