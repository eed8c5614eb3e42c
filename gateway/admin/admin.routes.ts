import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { Statistics } from '../hits/statistics.ts'
import { type AccountsOptions, accountsRoutes } from './accounts.routes.ts'
import { createTokenCheck } from './admin-token.ts'
import { type CacheRoutesOptions, cacheRoutes } from './cache.routes.ts'
import { dashboardRoutes } from './dashboard.routes.ts'
import { type LimitsOptions, limitsRoutes } from './limits.routes.ts'
import { isLocalCall } from './local-call.ts'
import { type ReadinessCheck, readReadiness } from './readiness.ts'
import { statisticsRoutes } from './statistics.routes.ts'
import { type UpstreamsRoutesOptions, upstreamsRoutes } from './upstreams.routes.ts'

export interface AdminOptions {
  /** Not empty. */
  readonly token: string
  readonly statistics: Statistics
  readonly metrics: { readonly contentType: string; scrape(): Promise<string> }
  readonly checks: readonly ReadinessCheck[]
  readonly limits: LimitsOptions
  readonly accounts: AccountsOptions
  readonly cache: CacheRoutesOptions
  readonly upstreams: UpstreamsRoutesOptions
  /** Not ready while true, so that a balancer looks elsewhere before the listener closes. */
  readonly isDraining?: () => boolean
  /** What is loaded, secrets already masked. */
  readonly config: unknown
}

/**
 * The admin listener: health, metrics, the API and the live page. Health and metrics are open to
 * this machine; everything else, and everyone else, needs the bearer token. The page itself is
 * open, since it holds nothing.
 */
export async function adminRoutes(app: FastifyInstance, options: AdminOptions): Promise<void> {
  const { metrics, checks, isDraining = () => false } = options
  const hasToken = createTokenCheck(options.token)

  function needToken({ headers }: FastifyRequest, reply: FastifyReply): void {
    if (hasToken(headers.authorization)) return
    reply.header('www-authenticate', 'Bearer realm="guichet admin"')
    throw new GatewayError('unauthenticated', {
      sentence:
        'This needs the admin token. Send Authorization: Bearer <token>, the value of GUICHET_ADMIN_TOKEN ' +
        'or the one printed at start.',
    })
  }

  dashboardRoutes(app)

  await app.register(async function openToThisMachine(local) {
    local.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store')
      if (!isLocalCall(request.socket.remoteAddress, request.headers)) needToken(request, reply)
    })
    local.get('/livez', () => ({ alive: true }))
    local.get('/readyz', async (_request, reply) => {
      const { isReady, stores } = await readReadiness(checks)
      const ready = isReady && !isDraining()
      return reply.code(ready ? 200 : 503).send({ ready, draining: isDraining(), stores })
    })
    local.get('/metrics', async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.scrape()),
    )
  })

  await app.register(async function forAdministrators(guarded) {
    guarded.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store')
      needToken(request, reply)
    })
    statisticsRoutes(guarded, options.statistics)
    limitsRoutes(guarded, options.limits)
    cacheRoutes(guarded, options.cache)
    upstreamsRoutes(guarded, options.upstreams)
    accountsRoutes(guarded, options.accounts)
    guarded.get('/api/config', () => options.config)
    // Behind the token too, so that nobody else learns what exists.
    guarded.all('/*', () => {
      throw new GatewayError('not-found')
    })
  })
}
