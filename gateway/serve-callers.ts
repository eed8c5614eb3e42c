import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { answerFromCache } from './caching/answer-from-cache.step.ts'
import { storeResponse } from './caching/store-response.step.ts'
import type { GatewayConfig } from './config/config.ts'
import { createRefusal } from './error-reply.ts'
import { recordHit } from './hits/record-hit.step.ts'
import { createAccountLinks } from './identity/account-links.ts'
import { createAssertions } from './identity/assertion.ts'
import { authRoutes } from './identity/auth.routes.ts'
import { delegateLogin } from './identity/delegate.step.ts'
import { identifyCaller, refuseUnauthenticated, tokenExpiry } from './identity/identify-caller.step.ts'
import { identifyVisitor } from './identity/identify-visitor.step.ts'
import { createOneTimeCodes } from './identity/one-time-code.ts'
import { createSuccession } from './identity/refresh-token.ts'
import { refuseCrossSiteCalls } from './identity/refuse-cross-site.step.ts'
import { admitCall, admitLogin } from './limiting/admit.step.ts'
import { decideRoutes } from './limiting/decide.routes.ts'
import { exposeLimits } from './limiting/expose-limits.step.ts'
import { quotaRoutes } from './limiting/quota.routes.ts'
import { drawQuota, quotaFileRoutes } from './limiting/quota-section.routes.ts'
import { settleCall } from './limiting/settle.step.ts'
import { addressSubject } from './limiting/subject.ts'
import { keepToHttps } from './listening/keep-to-https.step.ts'
import { watchLoopLag } from './listening/loop-lag.ts'
import { type ShedReason, shedOverload } from './listening/shed.step.ts'
import { noteShedding } from './listening/shed-notes.ts'
import type { Metrics } from './metrics/metrics.ts'
import { recordRequest } from './metrics/record-request.step.ts'
import type { Parts } from './open-parts.ts'
import { createAskBehind } from './proxying/ask-behind.ts'
import { askWhole } from './proxying/ask-whole.step.ts'
import type { Upstreams } from './proxying/balancing/open-upstreams.ts'
import { createHeadCompletion } from './proxying/complete-head.ts'
import { forward } from './proxying/forward.step.ts'
import { identityHeaders } from './proxying/request-headers.ts'
import { readTarget } from './proxying/request-target.ts'
import { sendWebsocket } from './proxying/send-websocket.step.ts'
import { stripClaims } from './proxying/strip-claims.step.ts'
import { createTrustedProxies } from './proxying/trusted-proxies.ts'
import { acceptUpgrades } from './proxying/websocket/upgrades.ts'
import { layRoad } from './request-path.ts'
import { matchRoute } from './routing/match-route.step.ts'

export interface CallersOptions {
  readonly upstreams: Upstreams
  readonly draining: { readonly isDraining: boolean }
  readonly log: Logger
  /** Told of each WebSocket handshake, which no server calls a request. */
  readonly shakingHands: (response: ServerResponse) => void
}

/** Before the road: callers alone are turned away, never operators. */
function shedWhenOverloaded(
  app: FastifyInstance,
  { limits }: GatewayConfig,
  metrics: Metrics,
  log: Logger,
): void {
  const lag = watchLoopLag()
  app.addHook('onClose', async () => lag[Symbol.dispose]())
  const { maxInFlight, maxEventLoopLagMs: maxLagMs } = limits
  const warn = (reason: ShedReason): void =>
    log.warn(
      { reason, lagMs: Math.round(lag.meanMs), maxInFlight },
      'requests are turned away: more came than this process can answer',
    )
  app.addHook(
    'onRequest',
    shedOverload({
      maxInFlight,
      maxLagMs,
      lag,
      shed: noteShedding({ count: metrics.shed, warn, now: performance.now.bind(performance) }),
    }),
  )
}

/** The road, and the gateway's own endpoints beside it. */
export function serveCallers(
  app: FastifyInstance,
  config: GatewayConfig,
  parts: Parts,
  { upstreams, draining, log, shakingHands }: CallersOptions,
): void {
  const { stores, metrics, keys, tokens, cookies, limiter, deciding, recorder } = parts
  const findRoute = matchRoute(config.routes)
  const { corsOrigins: origins, legacyHeaders } = config.answers
  const exposing = exposeLimits({ origins, legacyHeaders })
  const assert = createAssertions({ keys, issuer: config.identity.issuer })
  const judgeOrigin = refuseCrossSiteCalls({ trustedOrigins: origins === '*' ? [] : origins })
  const asking = {
    upstreams,
    ownCookies: Object.values(cookies.names),
    publicProto: new URL(config.listen.publicUrl).protocol.slice(0, -1),
    assert,
  }
  const completeHead = createHeadCompletion({ draining, exposeLimits: exposing.exposeForwarded })
  const askBehind = createAskBehind(asking)
  const caching = {
    responses: parts.responses,
    maxEntryBytes: config.cache.maxEntryBytes,
    now: Date.now,
    finished: metrics.cacheAnswered,
  }
  const loggingIn = {
    accounts: stores.accounts.home,
    sessions: stores.sessions.home.sessions,
    tokens,
    cookies,
    sessionLifetimeMs: config.identity.sessionLifetimeMs,
    idleLifetimeMs: config.identity.idleLifetimeMs,
    admitLogin: admitLogin({ ...deciding, policies: config.login.policies }),
    loginDelays: stores.sessions.home.loginDelays,
    networkOf: addressSubject,
    loggedIn: metrics.loggedIn,
    now: Date.now,
  }
  const keepingToHttps = keepToHttps(config.listen.publicUrl)
  if (keepingToHttps !== null) app.addHook('onSend', keepingToHttps)
  shedWhenOverloaded(app, config, metrics, log)
  layRoad(app, {
    stripClaims: stripClaims(createTrustedProxies(config.listen.trustedProxies)),
    matchRoute: findRoute,
    identifyCaller: identifyCaller({ tokens, cookies }),
    refuseCrossSite: (request) => judgeOrigin(request, request.method),
    admitCall: admitCall({
      ...deciding,
      refuseDeadSession: refuseUnauthenticated({ cookies }),
      refuse: createRefusal(origins === '*' || origins.length > 0, draining),
    }),
    delegateLogin:
      config.identity.delegate &&
      delegateLogin({
        ...loggingIn,
        rules: config.identity.delegate,
        upstream: askWhole({ ...asking, completeHead }),
      }),
    sendWebsocket: sendWebsocket({
      ...asking,
      completeHead,
      websockets: parts.websockets,
      tokenExpiry: tokenExpiry({ tokens }),
      silentClientMs: config.limits.requestTimeoutMs,
      closingMs: Math.min(2_000, config.limits.drainTimeoutMs),
    }),
    answerFromCache: answerFromCache({
      ...caching,
      ownCookies: asking.ownCookies,
      completeHead: (reply, headers) => completeHead(headers, reply.getHeaders()),
      askBehind: ({ raw, journey }, filter) => askBehind(raw, journey, filter),
    }),
    storeResponse: storeResponse(caching),
    forward: forward({
      ...asking,
      completeHead,
      maxBodyBytes: config.limits.maxBodyBytes,
      silentClientMs: config.limits.requestTimeoutMs,
    }),
    exposeLimits: exposing,
    settleCall: settleCall({ limiter }),
    recordHit: recordHit({ recorder, onHit: metrics.hitForwarded }),
    recordRequest: recordRequest({ metrics, isLogging: log.isLevelEnabled('info') }),
  })
  acceptUpgrades(app.server, (request, response) => {
    shakingHands(response)
    app.routing(request, response)
  })
  app.register(authRoutes, {
    ...loggingIn,
    hashing: parts.hashing,
    keys,
    succeed: createSuccession(keys.secretFor('refresh tokens')),
    codes: stores.accounts.codes,
    oneTimeCodes: createOneTimeCodes(keys.secretFor('one-time codes')),
    links: createAccountLinks(config.listen.publicUrl),
    mails: parts.mails,
    isRegistrationOpen: config.identity.isRegistrationOpen,
    refreshGraceMs: config.identity.refreshGraceMs,
    accessTokenLifetimeMs: config.identity.accessTokenLifetimeMs,
    drawQuota: drawQuota({ limiter, routes: config.routes }),
  })
  app.register(quotaFileRoutes)
  // Whoever asks here is a web server: it wants an answer, never a page.
  const refuseForServers = { cookies, sendsToLogin: false }
  app.register(decideRoutes, {
    readPath(target) {
      const reading = readTarget(target)
      return reading.kind === 'path' ? reading.path : null
    },
    matchRoute: findRoute,
    identifyCaller: identifyCaller({ tokens, ...refuseForServers }),
    judgeOrigin,
    admitCall: admitCall({
      ...deciding,
      refuseDeadSession: refuseUnauthenticated(refuseForServers),
      refuse: createRefusal(origins === '*' || origins.length > 0, draining),
    }),
    identityHeaders: (caller, upstream) => identityHeaders(caller, assert(caller, upstream)),
    letThrough({ service, ...call }) {
      recorder.record({ ...call, service, atMs: Date.now(), status: 204, durationMs: 0 })
      metrics.hitForwarded(service)
    },
  })
  app.register(quotaRoutes, {
    limiter,
    news: stores.sessions.home.news,
    routes: config.routes,
    identify: identifyVisitor({ tokens, cookies }),
    refuseDeadSession: refuseUnauthenticated({ cookies }),
  })
}
