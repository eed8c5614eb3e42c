import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { Caller } from '../identity/account.ts'
import type {} from '../journey.ts'
import { type Step, walk } from '../steps.ts'

/** A call that a server in front may now let through to the app. */
export interface LetThrough {
  readonly accountId: string | null
  readonly service: string
  readonly method: string
  /** As routes are matched, without the query. */
  readonly path: string
}

export interface DecideOptions {
  /** The path of a request target as routes are matched; null when two readers could take it differently. */
  readonly readPath: (target: string) => string | null
  /** The road's own steps, the second answering 401 to browsers too. */
  readonly matchRoute: Step
  readonly identifyCaller: Step
  /** Throws for a call of this method that a page of another site has sent under our cookie. */
  readonly judgeOrigin: (request: FastifyRequest, method: string) => void
  readonly admitCall: Step
  /** What an app behind this upstream is told. */
  readonly identityHeaders: (caller: Caller, upstream: string) => Record<string, string>
  /** Told of each admitted call of a route that has a service. */
  readonly letThrough: (call: LetThrough) => void
}

/**
 * `/decide`: for nginx `auth_request`, Traefik ForwardAuth and Caddy `forward_auth`. Takes the road as far
 * as admission for the call that `X-Forwarded-Method` and `X-Forwarded-Uri` describe, and answers
 * 204, 401, 403 or 429 (503 while a store is away). DECIDE.md says how to put it behind each server.
 */
export async function decideRoutes(app: FastifyInstance, options: DecideOptions): Promise<void> {
  const { readPath, identityHeaders, letThrough } = options

  function readDescribedCall({ raw, journey }: FastifyRequest): void {
    describedMethod(raw.rawHeaders)
    const path = readPath(described(raw.rawHeaders, 'x-forwarded-uri'))
    if (path === null) throw new GatewayError('ambiguous-path')
    journey.path = path
  }

  function letPass({ journey, raw }: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { route, caller, path } = journey
    if (route?.service) {
      const accountId = caller.kind === 'connected' ? caller.accountId : null
      letThrough({ accountId, service: route.service, method: describedMethod(raw.rawHeaders), path })
    }
    // Answered before a body is read: what is left of it must not be taken for the next request.
    if (!raw.complete) reply.header('connection', 'close')
    return reply
      .code(204)
      .headers({ ...nobody, ...identityHeaders(caller, route?.upstream ?? ''), 'cache-control': 'no-store' })
      .send()
  }

  app.setErrorHandler((error) => {
    throw asAnswer(error)
  })
  app.addHook(
    'onRequest',
    walk([
      readDescribedCall,
      options.matchRoute,
      options.identifyCaller,
      (request) => options.judgeOrigin(request, describedMethod(request.raw.rawHeaders)),
      options.admitCall,
      letPass,
    ]),
  )
  app.route({ method: methods, url: '/decide', exposeHeadRoute: false, handler: unreachable })
}

// Empty rather than left out: servers in front that copy only what the answer has would leave to the app what
// the client made up, and Caddy 2.6 sends the name of its own placeholder.
const nobody = {
  'x-forwarded-user': '',
  'x-forwarded-email': '',
  'x-forwarded-name': '',
  'x-forwarded-groups': '',
  'x-guichet-assertion': '',
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function unreachable(): never {
  throw new Error('the last hook of /decide did not reply')
}

/** auth_request knows 2xx, 401 and 403 alone: what is wrong with the call itself is a 403. */
function asAnswer(error: unknown): unknown {
  if (!(error instanceof GatewayError) || error.status >= 500) return error
  if (error.status === 401 || error.status === 429) return error
  return new GatewayError('call-refused', { sentence: error.message, members: { reason: error.code } })
}

function describedMethod(rawHeaders: readonly string[]): string {
  const method = described(rawHeaders, 'x-forwarded-method')
  if (/^[A-Z]{1,20}$/.test(method)) return method
  throw new GatewayError('invalid-request', {
    sentence: 'X-Forwarded-Method must be the method of the call, in capitals: GET.',
  })
}

/**
 * From the lines as they arrived, since the first step has dropped these two names from the parsed headers: on
 * the road nobody may believe them. Here they only choose which call is judged.
 */
function described(rawHeaders: readonly string[], name: string): string {
  const values: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) values.push(rawHeaders[i + 1] as string)
  }
  const [value] = values
  if (value !== undefined && values.length === 1) return value
  throw new GatewayError('invalid-request', {
    sentence: `The server in front must describe the call: send ${name} exactly once.`,
  })
}
