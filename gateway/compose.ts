import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type Logger, pino } from 'pino'
import { adminRoutes } from './admin/admin.routes.ts'
import { createTokenCheck } from './admin/admin-token.ts'
import type { GatewayConfig } from './config/config.ts'
import { maskedConfig } from './config/mask.ts'
import { recordHit } from './hits/record-hit.step.ts'
import { createRecorder } from './hits/recorder.ts'
import { createStatistics } from './hits/statistics.ts'
import type { Accounts } from './identity/accounts.ts'
import { authRoutes } from './identity/auth.routes.ts'
import { createSessionCookies } from './identity/cookies.ts'
import { normaliseEmail } from './identity/email.ts'
import { identifyCaller, refuseUnauthenticated } from './identity/identify-caller.step.ts'
import { identifyVisitor } from './identity/identify-visitor.step.ts'
import { createPasswordHashing } from './identity/password-hashing.ts'
import { openSigningKeys } from './identity/signing-keys.ts'
import { createTokens } from './identity/tokens.ts'
import { accountPageRoutes } from './limiting/account-page.routes.ts'
import { createEmbeddedAdmission } from './limiting/admission.embedded.ts'
import { admitCall, admitLogin } from './limiting/admit.step.ts'
import { checkRoutes } from './limiting/check.routes.ts'
import { decideRoutes } from './limiting/decide.routes.ts'
import { exposeLimits } from './limiting/expose-limits.step.ts'
import { createLimitHeaders } from './limiting/headers.ts'
import { createLimiter, type Limiter } from './limiting/limiter.ts'
import { createPartitionKeys } from './limiting/partition-key.ts'
import type { Policy } from './limiting/policy.ts'
import { quotaRoutes } from './limiting/quota.routes.ts'
import { settleCall } from './limiting/settle.step.ts'
import { createSubjectLimits, type SubjectLimits } from './limiting/subject-limits.ts'
import { createListener } from './listener.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { recordRequest } from './metrics/record-request.step.ts'
import { watchStore } from './metrics/watch-store.ts'
import { openStores, type Stores } from './open-stores.ts'
import { forwarding } from './proxying/forward.step.ts'
import { identityHeaders } from './proxying/request-headers.ts'
import { readTarget } from './proxying/request-target.ts'
import { stripClaims } from './proxying/strip-claims.step.ts'
import { createTrustedProxies } from './proxying/trusted-proxies.ts'
import type { Upstream } from './proxying/upstream.ts'
import { openUpstreamPools } from './proxying/upstream-pools.ts'
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
 * Builds every part and opens both listeners; disposing drains them and closes all in reverse.
 *
 * @throws Error that names what could not be opened and the cure
 */
export async function openGateway(config: GatewayConfig, log: Logger): Promise<Gateway> {
  await using opening = new AsyncDisposableStack()
  const opened = opening.use(await openStores(config, log))
  const keys = await openSigningKeys({ directory: config.identity.keysDirectory })
  const services = [...new Set(config.routes.flatMap(({ service }) => service ?? []))]
  const metrics = createMetrics({
    version,
    services,
    policies: config.policies.map(({ name }) => name),
    stores: ['sessions', 'hits', 'accounts'],
  })
  opening.defer(metrics.close)
  const stores = watched(opened, metrics, log)

  const limiter = opening.use(openLimiter(stores, config.stores.instances, metrics, log))
  const deciding = {
    limiter,
    limitHeaders: createLimitHeaders({
      partitionKey: config.answers.partitionKeys
        ? createPartitionKeys(keys.secretFor('partition keys'))
        : null,
      legacyHeaders: config.answers.legacyHeaders,
    }),
    decided: metrics.decided,
    refusedAlone: ({ name }: Policy) => metrics.decidedAs(name, 'denied', 'degraded'),
  }
  const recorder = createRecorder(stores.hits.home, {
    onEvent: (event) => {
      log.warn(
        { store: 'hits', ...event, cause: undefined, err: 'cause' in event ? event.cause : undefined },
        event.kind,
      )
    },
  })
  opening.defer(async () => {
    const lost = await recorder.close(config.limits.drainTimeoutMs)
    if (lost > 0) log.error({ lost }, 'hits that could not be written before the end')
  })
  const statistics = createStatistics({ accounts: stores.accounts.home, hits: stores.hits.home, services })
  readStoresAtScrapes(metrics, stores, statistics, () => recorder.pending)

  const token = config.admin.token ?? randomBytes(24).toString('base64url')
  const gateway = createListener({ log, ...config.limits })
  const admin = createListener({ log, ...config.limits })
  const check = config.check && createListener({ log, ...config.limits, maxBodyBytes: 10_000 })
  let isDraining = false

  const upstreams = config.upstreams.map(upstreamOf)
  const pools = opening.use(openUpstreamPools(upstreams))
  const tokens = createTokens({
    keys,
    issuer: config.identity.issuer,
    audience: config.identity.audience,
    lifetimeMs: config.identity.accessTokenLifetimeMs,
  })
  const cookies = createSessionCookies({
    isSecure: config.identity.secureCookies,
    accessLifetimeMs: config.identity.accessTokenLifetimeMs,
    sessionLifetimeMs: config.identity.sessionLifetimeMs,
  })
  layRoad(gateway, {
    stripClaims: stripClaims(createTrustedProxies(config.listen.trustedProxies)),
    matchRoute: matchRoute(config.routes),
    identifyCaller: identifyCaller({ tokens, cookies }),
    admitCall: admitCall({ ...deciding, refuseDeadSession: refuseUnauthenticated({ cookies }) }),
    forwarding: (app) =>
      forwarding(app, {
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
  gateway.register(authRoutes, {
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
  gateway.register(decideRoutes, {
    readPath(target) {
      const reading = readTarget(target)
      return reading.kind === 'path' ? reading.path : null
    },
    matchRoute: matchRoute(config.routes),
    identifyCaller: identifyCaller({ tokens, cookies, sendsToLogin: false }),
    admitCall: admitCall({
      ...deciding,
      refuseDeadSession: refuseUnauthenticated({ cookies, sendsToLogin: false }),
    }),
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
  gateway.register(quotaRoutes, quota)
  gateway.register(accountPageRoutes, quota)
  admin.register(adminRoutes, {
    token,
    statistics,
    metrics,
    checks: [
      { name: 'sessions', isReady: stores.sessions.ping },
      { name: 'accounts', isReady: stores.accounts.ping },
      { name: 'hits', isReady: stores.hits.ping, isRequired: false },
    ],
    isDraining: () => isDraining,
    limits: {
      limits: limitsOfSubjects(config, limiter, stores.accounts.home),
      audit: stores.accounts.audit,
      changed: (entry) => log.warn(entry, `limits changed: ${entry.action}`),
    },
    config: maskedConfig(config),
  })

  if (config.check && check) {
    const { policy, token } = config.check
    check.register(checkRoutes, {
      ...deciding,
      policy,
      hasToken: token === null ? null : createTokenCheck(token),
    })
    opening.use(closing(check))
  }

  opening.use(closing(admin))
  opening.use(closing(gateway))
  opening.defer(() => {
    isDraining = true
  })
  const adminUrl = await listen(admin, config.admin)
  const checkUrl = config.check && check && (await listen(check, config.check))
  const url = await listen(gateway, config.listen)
  log.info({ url, adminUrl, ...(checkUrl && { checkUrl }) }, 'listening')
  const gatewayParts = opening.move()
  return {
    url,
    adminUrl,
    adminToken: token,
    checkUrl,
    [Symbol.asyncDispose]: () => gatewayParts.disposeAsync(),
  }
}

/** The same stores, each call of them timed, each change told to the operator once. */
function watched(
  { accounts, sessions, hits }: Stores,
  metrics: Metrics,
  log: Logger,
): Omit<Stores, typeof Symbol.asyncDispose> {
  const watch = <Home extends object>(store: string, home: Home): Home =>
    watchStore(home, {
      called: (seconds) => metrics.storeCall(store, seconds),
      failed: () => metrics.storeFailed(store),
      changed(isUp) {
        metrics.storeIs(store, isUp)
        log.warn({ store }, isUp ? `the store of ${store} is back` : `the store of ${store} is away`)
      },
    })
  return {
    accounts: { ...accounts, home: watch('accounts', accounts.home) },
    // The limiter watches admissions itself: they decide whether this store counts as away.
    sessions,
    hits: { ...hits, home: watch('hits', hits.home) },
  }
}

function openLimiter(
  stores: Pick<Stores, 'sessions'>,
  instances: number,
  metrics: Metrics,
  log: Logger,
): Limiter {
  const limiter = createLimiter({
    store: stores.sessions.home.admission,
    news: stores.sessions.home.news,
    instances,
    local: createEmbeddedAdmission({ now: () => performance.now(), isSessionAlive: () => true }),
    probe: stores.sessions.ping,
    storeAnswered: (durationMs) => metrics.storeCall('sessions', durationMs / 1000),
    storeFailed: () => metrics.storeFailed('sessions'),
    storeChanged(isUp, err) {
      metrics.storeIs('sessions', isUp)
      if (isUp) log.info({ store: 'sessions' }, 'the store of sessions and windows is back')
      else
        log.error(
          { store: 'sessions', err },
          'the store of sessions and windows is away; policies decide alone',
        )
    },
  })
  // So that the gauge tells of a store that went away, or was never there, while nobody calls.
  stores.sessions.watchConnection((isConnected) =>
    metrics.storeIs('sessions', isConnected && limiter.isStoreUp()),
  )
  return limiter
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

function readStoresAtScrapes(
  metrics: Metrics,
  stores: Pick<Stores, 'accounts' | 'sessions'>,
  statistics: ReturnType<typeof createStatistics>,
  hitsPending: () => number,
): void {
  metrics.readStores({
    hitsPending,
    sessions: () => stores.sessions.home.sessions.count(),
    recentLogins: async (limit) =>
      (await stores.accounts.home.recentLogins(limit)).map(({ account, atMs }) => ({
        email: account.email,
        atMs,
      })),
    topLogins: async (days, limit) =>
      (await statistics.topLogins(days, limit)).map(({ account, logins }) => ({
        email: account.email,
        logins,
      })),
    leastActive: async (limit) =>
      (await statistics.leastActive(limit)).map(({ account, calls }) => ({ email: account.email, calls })),
  })
}

function upstreamOf({ ca, ...upstream }: GatewayConfig['upstreams'][number]): Upstream {
  return ca === null ? upstream : { ...upstream, ca: readFileSync(ca, 'utf8') }
}

const urlOf = (upstreams: readonly Upstream[], name: string): string =>
  upstreams.find((upstream) => upstream.name === name)?.url ?? ''

const closing = (app: FastifyInstance): AsyncDisposable => ({ [Symbol.asyncDispose]: () => app.close() })

/** @throws Error that names the address and the cure, when it is taken or not ours */
async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const cure =
      code === 'EADDRINUSE'
        ? 'something listens there already; stop it or choose another port'
        : String(error)
    throw new Error(`cannot listen on ${host}:${port}: ${cure}`, { cause: error })
  }
  const { port: bound } = app.server.address() as AddressInfo
  const shownHost = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${bound}`
}

/** One JSON line an event on standard output, where a container's log is read from. */
export function createLog({ log }: GatewayConfig): Logger {
  return pino({ level: log.level, base: null, timestamp: pino.stdTimeFunctions.isoTime })
}
