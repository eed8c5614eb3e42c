import type {
  FastifyReply,
  FastifyRequest,
  onErrorHookHandler,
  onRequestHookHandler,
  onSendHookHandler,
} from 'fastify'
import { limitFieldNames } from './headers.ts'

export interface ExposeLimitsOptions {
  /** Origins whose scripts may read answers of ours; `*`: any, without credentials. */
  readonly origins: '*' | readonly string[]
  /** Whether the fields of the older convention are sent too. */
  readonly legacyHeaders: boolean
}

/**
 * What scripts of other origins may read. Answers of our own say so by themselves; on the app's only the
 * app says who may read them, and the limit fields are added to what it exposes.
 */
export interface ExposeLimits {
  /** Early for endpoints of our own, since a stream of events leaves without passing `expose`. */
  readonly allowOrigin: onRequestHookHandler
  /** An answer that became an error is ours, whatever the app had begun. */
  readonly noteFailure: onErrorHookHandler
  readonly expose: onSendHookHandler
  /** As `expose`, for an answer of the app that passes by Fastify's hooks. */
  readonly exposeForwarded: (headers: Record<string, string | string[]>) => void
}

const allowed = 'access-control-allow-origin'
const exposed = 'access-control-expose-headers'

export function exposeLimits({ origins, legacyHeaders }: ExposeLimitsOptions): ExposeLimits {
  const isAny = origins === '*'
  const known = new Set(isAny ? [] : origins)
  const isOpen = isAny || known.size > 0
  const names = [...limitFieldNames(legacyHeaders), 'Retry-After', 'X-Request-Id']
  const failed = new WeakSet<FastifyRequest>()

  function allow({ headers: { origin } }: FastifyRequest, reply: FastifyReply): void {
    if (known.size > 0) addToList(reply, 'vary', ['Origin'])
    if (origin === undefined || !(isAny || known.has(origin))) return
    reply.header(allowed, isAny ? '*' : origin)
    if (!isAny) reply.header('access-control-allow-credentials', 'true')
    addToList(reply, exposed, names)
  }

  /**
   * Answers what a browser asks before it sends a script's call. Such a question carries no credentials,
   * so the road would refuse it and the call would never come.
   */
  function answerPreflight({ method, headers }: FastifyRequest, reply: FastifyReply): boolean {
    const { origin, 'access-control-request-method': wanted } = headers
    if (method !== 'OPTIONS' || wanted === undefined || origin === undefined) return false
    if (!isAny && !known.has(origin)) return false
    reply.header(allowed, isAny ? '*' : origin).header('vary', 'Origin, Access-Control-Request-Headers')
    if (!isAny) reply.header('access-control-allow-credentials', 'true')
    reply.header('access-control-allow-methods', wanted).header('access-control-max-age', '600')
    const fields = headers['access-control-request-headers']
    if (fields !== undefined) reply.header('access-control-allow-headers', fields)
    reply.code(204).send()
    return true
  }

  return {
    allowOrigin(request, reply, done) {
      if (isOpen && answerPreflight(request, reply)) return
      // Fastify makes the route's options anew each time they are asked for.
      if (isOpen && request.routeOptions.url !== proxiedUrl) allow(request, reply)
      done()
    },
    noteFailure(request, _reply, _error, done) {
      if (isOpen) failed.add(request)
      done()
    },
    expose(request, reply, payload, done) {
      if (isOpen && failed.has(request)) allow(request, reply)
      else if (reply.hasHeader(allowed) && reply.hasHeader('ratelimit')) addToList(reply, exposed, names)
      done(null, payload)
    },
    exposeForwarded(headers) {
      if (headers[allowed] !== undefined && headers.ratelimit !== undefined)
        headers[exposed] = withNames(headers[exposed], names)
    },
  }
}

/** The one route of all that is forwarded. */
const proxiedUrl = '/*'

function addToList(reply: FastifyReply, header: string, names: readonly string[]): void {
  reply.header(header, withNames(reply.getHeader(header), names))
}

/** The value of a list header, with the names that it lacks. */
function withNames(list: string | number | string[] | undefined, names: readonly string[]): string {
  const present = [list ?? []].flat().join(', ')
  const lower = new Set(present.split(',').map((name) => name.trim().toLowerCase()))
  return [present, ...names.filter((name) => !lower.has(name.toLowerCase()))].filter(Boolean).join(', ')
}
