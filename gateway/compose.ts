import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { adminRoutes } from './admin/admin.routes.ts'
import { createTokenCheck } from './admin/admin-token.ts'
import type { GatewayConfig } from './config/config.ts'
import { maskedConfig } from './config/mask.ts'
import { recordHit } from './hits/record-hit.step.ts'
import type { Accounts } from './identity/accounts.ts'
import { authRoutes } from './identity/auth.routes.ts'
import { normaliseEmail } from './identity/email.ts'
import { identifyCaller, refuseUnauthenticated } from './identity/identify-caller.step.ts'
import { identifyVisitor } from './identity/identify-visitor.step.ts'
import { createPasswordHashing } from './identity/password-hashing.ts'
import { accountPageRoutes } from './limiting/account-page.routes.ts'
import { admitCall, admitLogin } from './limiting/admit.step.ts'
import { checkRoutes } from './limiting/check.routes.ts'
import { decideRoutes } from './limiting/decide.routes.ts'
import { exposeLimits } from './limiting/expose-limits.step.ts'
import type { Limiter } from './limiting/limiter.ts'
import { quotaRoutes } from './limiting/quota.routes.ts'
import { settleCall } from './limiting/settle.step.ts'
import { createSubjectLimits, type SubjectLimits } from './limiting/subject-limits.ts'
import { listen } from './listen.ts'
import { createListener } from './listener.ts'
import { recordRequest } from './metrics/record-request.step.ts'
import { openParts, type Parts } from './open-parts.ts'
import { forwarding } from './proxying/forward.step.ts'
import { identityHeaders } from './proxying/request-headers.ts'
import { readTarget } from './proxying/request-target.ts'
import { stripClaims } from './proxying/strip-claims.step.ts'
import { createTrustedProxies } from './proxying/trusted-proxies.ts'
import type { Upstream } from './proxying/upstream.ts'
import { openUpstreamPools, type UpstreamPools } from './proxying/upstream-pools.ts'
import { layRoad } from './request-path.ts'
import { matchRoute } from './routing/match-route.step.ts'

export interface Gateway extends AsyncDisposable {
  /** Where clients reach it, such as `http://127.0.0.1:8080`. */
  readonly url: string
  readonly adminUrl: string
  readonly adminToken: string
  /** Of the check listener; null without one. */
  readonly checkUrl: string | null
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/**
 * Builds every part and opens the listeners; disposing drains them and closes all in reverse.
 *
 * @throws Error that names what could not be opened and the cure
 */
export async function openGateway(config: GatewayConfig, log: Logger): Promise<Gateway> {
  await using opening = new AsyncDisposableStack()
  const parts = await openParts(config, version, log, opening)
  const upstreams = config.upstreams.map(upstreamOf)
  const pools = opening.use(openUpstreamPools(upstreams))
  const adminToken = config.admin.token ?? randomBytes(24).toString('base64url')
  const draining = { isDraining: false }

  const open = (serve: (app: FastifyInstance) => void, limits = config.limits): FastifyInstance => {
    const app = createListener({ log, ...limits })
    serve(app)
    opening.defer(() => app.close())
    return app
  }
  const checks = config.check
  const check =
    checks && open((app) => serveChecks(app, checks, parts), { ...config.limits, maxBodyBytes: 10_000 })
  const admin = open((app) => serveOperators(app, config, parts, { adminToken, draining, log }))
  const gateway = open((app) => serveCallers(app, config, parts, { upstreams, pools, log }))
  opening.defer(() => {
    draining.isDraining = true
  })

  const adminUrl = await listen(admin, config.admin)
  const checkUrl = checks && check && (await listen(check, checks))
  const url = await listen(gateway, config.listen)
  log.info({ url, adminUrl, ...(checkUrl && { checkUrl }) }, 'listening')
  const opened = opening.move()
  return { url, adminUrl, adminToken, checkUrl, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

interface CallersOptions {
  readonly upstreams: readonly Upstream[]
  readonly pools: UpstreamPools
  readonly log: Logger
}

/** The road, and the gateway's own endpoints beside it. */
function serveCallers(
  app: FastifyInstance,
  config: GatewayConfig,
  parts: Parts,
  { upstreams, pools, log }: CallersOptions,
): void {
  const { stores, metrics, keys, tokens, cookies, limiter, deciding, recorder } = parts
  const findRoute = matchRoute(config.routes)
  layRoad(app, {
    stripClaims: stripClaims(createTrustedProxies(config.listen.trustedProxies)),
    matchRoute: findRoute,
    identifyCaller: identifyCaller({ tokens, cookies }),
    admitCall: admitCall({ ...deciding, refuseDeadSession: refuseUnauthenticated({ cookies }) }),
    forwarding: (proxied) =>
      forwarding(proxied, {
        upstreams,
        pools,
        ownCookies: Object.values(cookies.names),
        publicProto: new URL(config.listen.publicUrl).protocol.slice(0, -1),
        upstreamAnswered: (upstream, durationMs, isUp) => {
          metrics.upstreamAnswered(upstream, durationMs / 1000)
          metrics.upstreamIs(upstream, urlOf(upstreams, upstream), isUp)
        },
      }),
    exposeLimits: exposeLimits({
      origins: config.answers.corsOrigins,
      legacyHeaders: config.answers.legacyHeaders,
    }),
    settleCall: settleCall({ limiter }),
    recordHit: recordHit({ recorder, onHit: metrics.hitForwarded }),
    recordRequest: recordRequest({ metrics, isLogging: log.isLevelEnabled('info') }),
  })
  app.register(authRoutes, {
    accounts: stores.accounts.home,
    sessions: stores.sessions.home.sessions,
    hashing: createPasswordHashing(),
    keys,
    tokens,
    cookies,
    sessionLifetimeMs: config.identity.sessionLifetimeMs,
    accessTokenLifetimeMs: config.identity.accessTokenLifetimeMs,
    admitLogin: admitLogin({ ...deciding, policies: config.login.policies }),
    loggedIn: metrics.loggedIn,
  })
  // Whoever asks here is a web server: it wants an answer, never a page.
  const refuseForServers = { cookies, sendsToLogin: false }
  app.register(decideRoutes, {
    readPath(target) {
      const reading = readTarget(target)
      return reading.kind === 'path' ? reading.path : null
    },
    matchRoute: findRoute,
    identifyCaller: identifyCaller({ tokens, ...refuseForServers }),
    admitCall: admitCall({ ...deciding, refuseDeadSession: refuseUnauthenticated(refuseForServers) }),
    identityHeaders,
    letThrough({ service, ...call }) {
      recorder.record({ ...call, service, atMs: Date.now(), status: 204, durationMs: 0 })
      metrics.hitForwarded(service)
    },
  })
  const quota = {
    limiter,
    news: stores.sessions.home.news,
    routes: config.routes,
    identify: identifyVisitor({ tokens, cookies }),
    refuseDeadSession: refuseUnauthenticated({ cookies }),
  }
  app.register(quotaRoutes, quota)
  app.register(accountPageRoutes, quota)
}

interface OperatorsOptions {
  readonly adminToken: string
  readonly draining: { readonly isDraining: boolean }
  readonly log: Logger
}

function serveOperators(
  app: FastifyInstance,
  config: GatewayConfig,
  { stores, metrics, limiter, statistics }: Parts,
  { adminToken, draining, log }: OperatorsOptions,
): void {
  app.register(adminRoutes, {
    token: adminToken,
    statistics,
    metrics,
    checks: [
      { name: 'sessions', isReady: stores.sessions.ping },
      { name: 'accounts', isReady: stores.accounts.ping },
      { name: 'hits', isReady: stores.hits.ping, isRequired: false },
    ],
    isDraining: () => draining.isDraining,
    limits: {
      limits: limitsOfSubjects(config, limiter, stores.accounts.home),
      audit: stores.accounts.audit,
      changed: (entry) => log.warn(entry, `limits changed: ${entry.action}`),
    },
    config: maskedConfig(config),
  })
}

function serveChecks(
  app: FastifyInstance,
  { policy, token }: NonNullable<GatewayConfig['check']>,
  { deciding }: Parts,
): void {
  const hasToken = token === null ? null : createTokenCheck(token)
  app.register(checkRoutes, { ...deciding, policy, hasToken })
}

function limitsOfSubjects(config: GatewayConfig, limiter: Limiter, accounts: Accounts): SubjectLimits {
  return createSubjectLimits({
    limiter,
    policies: config.policies,
    routes: [...config.routes, { name: 'login', service: null, policies: config.login.policies, cost: 1 }],
    accountWithId: (id) => accounts.findById(id),
    async accountWithEmail(typed) {
      const reading = normaliseEmail(typed)
      return reading.kind === 'invalid'
        ? null
        : ((await accounts.findByEmail(reading.email))?.account ?? null)
    },
  })
}

function upstreamOf({ ca, ...upstream }: GatewayConfig['upstreams'][number]): Upstream {
  return ca === null ? upstream : { ...upstream, ca: readFileSync(ca, 'utf8') }
}

const urlOf = (upstreams: readonly Upstream[], name: string): string =>
  upstreams.find((upstream) => upstream.name === name)?.url ?? ''
