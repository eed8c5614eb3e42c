import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from './errors.ts'
import type { Journey } from './journey.ts'
import type { ExposeLimits } from './limiting/expose-limits.step.ts'
import { type Step, walk } from './steps.ts'

/** The road's steps, made by `compose.ts` with their options. */
export interface Road {
  readonly stripClaims: Step
  readonly matchRoute: Step
  readonly identifyCaller: Step
  readonly refuseCrossSite: Step
  readonly admitCall: Step
  /** Replies to the login and the logout of an app that keeps its own; null: no app does. */
  readonly delegateLogin: Step | null
  readonly sendWebsocket: Step
  readonly answerFromCache: Step
  readonly storeResponse: Step
  /** Always replies. */
  readonly forward: (request: FastifyRequest, reply: FastifyReply) => FastifyReply
  readonly exposeLimits: ExposeLimits
  readonly settleCall: (request: FastifyRequest, reply: FastifyReply) => void
  readonly recordHit: (request: FastifyRequest, reply: FastifyReply) => void
  readonly recordRequest: (request: FastifyRequest, reply: FastifyReply) => void
}

/**
 * READ THIS FIRST. The road of a request, step by step; the first that replies or throws ends it.
 * The gateway's own endpoints, registered beside it, share the first step and what is recorded at the end.
 */
export function layRoad(app: FastifyInstance, road: Road): void {
  app.decorateRequest('journey', null as unknown as Journey)
  app.addHook(
    'onRequest',
    walk([
      beginJourney,
      // When all is over, whatever happened, refusals included: what the call gives back or still owes, the hit,
      // the line in the log and the figures.
      recordAtEnd(road),
      // First, so that no later step can believe what a client made up or read a path in its own way.
      road.stripClaims,
      // Every path is routed, so what is not was sent with a method that is not served.
      refuseMethod,
    ]),
  )
  // What scripts of other origins may read: early for streams of our own, at the end for all else, refusals included.
  app.addHook('onRequest', road.exposeLimits.allowOrigin)
  app.addHook('onError', road.exposeLimits.noteFailure)
  app.addHook('onSend', road.exposeLimits.expose)

  app.register(async function proxiedRoutes(proxied) {
    proxied.addHook(
      'onRequest',
      walk([
        // Before identity, since the route says whether a session is needed at all.
        road.matchRoute,
        // Signature and expiry only: a forged token must not cost a store call.
        road.identifyCaller,
        // Once it is known whose cookie it is, and before the call counts: a page of another site must not spend calls.
        road.refuseCrossSite,
        // Before the body is read and the upstream hears of it: what is refused costs them nothing.
        road.admitCall,
        // A handshake ends here: its answer is none to keep, and what follows it is no HTTP.
        road.sendWebsocket,
        // In place of the forwarder, since who has logged in stands in the answer.
        ...(road.delegateLogin === null ? [] : [road.delegateLogin]),
        // After the limiter: whoever may not call may not have a stored answer either.
        road.answerFromCache,
        // Before the upstream is asked, since it listens to the answer.
        road.storeResponse,
        road.forward,
      ]),
    )
    proxied.route({ method: methods, url: '/*', exposeHeadRoute: false, handler: unreachable })
  })
}

function unreachable(): never {
  throw new Error('the last step of the road did not reply')
}

// TRACE and CONNECT are left out on purpose: they speak to proxies, and this one has nothing to say.
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function refuseMethod(request: FastifyRequest, reply: FastifyReply): void {
  if (!request.is404) return
  reply.header('allow', methods.join(', '))
  throw new GatewayError('method-not-allowed')
}

function beginJourney(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  request.journey = {
    requestId: request.id,
    startedAtMs: performance.now(),
    path: '',
    address: '',
    route: null,
    caller: { kind: 'anonymous' },
    decision: null,
    reportedCost: null,
    upstreamStartedAtMs: null,
    upstreamDurationMs: null,
    cache: null,
    filterAnswer: null,
    heldOpen: null,
  }
}

/** What nginx logs for a caller who left before the answer began; it is never sent. */
const callerLeft = 499

/**
 * After the answer has left, so that counting makes nobody wait. Not Fastify's onResponse, which never
 * hears of callers who leave before the end: they would call the app unseen.
 */
function recordAtEnd({ settleCall, recordHit, recordRequest }: Road) {
  const records = [settleCall, recordHit, recordRequest]
  return function recordAtEnd(request: FastifyRequest, reply: FastifyReply): void {
    reply.raw.on('close', () => {
      if (!reply.raw.headersSent) reply.code(callerLeft)
      for (const record of records) {
        try {
          record(request, reply)
        } catch (err) {
          request.log.error({ requestId: request.id, err }, 'recording a request failed')
        }
      }
    })
  }
}
