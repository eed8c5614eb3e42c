import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  onResponseAsyncHookHandler,
} from 'fastify'
import type { Journey } from './journey.ts'

/** The road's steps, made by `compose.ts` with their options. */
export interface Road {
  readonly stripClaims: onRequestAsyncHookHandler
  readonly matchRoute: onRequestAsyncHookHandler
  readonly identifyCaller: onRequestAsyncHookHandler
  readonly admitCall: onRequestAsyncHookHandler
  /** Prepares an instance for proxied bodies and returns its handler. */
  readonly forwarding: (
    app: FastifyInstance,
  ) => Promise<(request: FastifyRequest, reply: FastifyReply) => unknown>
  readonly settleCall: onResponseAsyncHookHandler
  readonly recordHit: onResponseAsyncHookHandler
  readonly recordRequest: onResponseAsyncHookHandler
}

/**
 * READ THIS FIRST. The road of a request, step by step; the first that replies or throws ends it.
 * The gateway's own endpoints, registered beside it, share the first step and the last.
 */
export function layRoad(app: FastifyInstance, road: Road): void {
  app.decorateRequest('journey', null as unknown as Journey)
  app.addHook('onRequest', beginJourney)
  // First, so that no later step can believe what a client made up or read a path in its own way.
  app.addHook('onRequest', road.stripClaims)
  // Last, whatever happened: the line in the log and the figures for every answer, refusals included.
  app.addHook('onResponse', road.recordRequest)

  app.register(async function proxiedRoutes(proxied) {
    // Before identity, since the route says whether a session is needed at all.
    proxied.addHook('onRequest', road.matchRoute)
    // Signature and expiry only: a forged token must not cost a store call.
    proxied.addHook('onRequest', road.identifyCaller)
    // Before the body is read and the upstream hears of it: what is refused costs them nothing.
    proxied.addHook('onRequest', road.admitCall)
    // After the answer has left, since only now it is known what the call has cost.
    proxied.addHook('onResponse', road.settleCall)
    // Last, so that counting it makes nobody wait.
    proxied.addHook('onResponse', road.recordHit)
    proxied.route({
      method: methods,
      url: '/*',
      exposeHeadRoute: false,
      handler: await road.forwarding(proxied),
    })
  })
}

// TRACE and CONNECT are left out on purpose: they speak to proxies, and this one has nothing to say.
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

async function beginJourney(request: FastifyRequest, reply: FastifyReply): Promise<void> {
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
  }
}
