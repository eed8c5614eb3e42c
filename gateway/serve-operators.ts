import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { adminRoutes } from './admin/admin.routes.ts'
import { createTokenCheck } from './admin/admin-token.ts'
import { pathGroupsOf, tagGroup } from './caching/purge-group.ts'
import type { GatewayConfig } from './config/config.ts'
import { maskedConfig } from './config/mask.ts'
import { createAccountAdministration } from './identity/account-administration.ts'
import type { Accounts } from './identity/accounts.ts'
import { normaliseEmail } from './identity/email.ts'
import { checkRoutes } from './limiting/check.routes.ts'
import type { Limiter } from './limiting/limiter.ts'
import { createSubjectLimits, type SubjectLimits } from './limiting/subject-limits.ts'
import type { Parts } from './open-parts.ts'
import type { DrainedTargets } from './proxying/balancing/drained-targets.ts'
import type { Upstreams } from './proxying/balancing/open-upstreams.ts'

export interface OperatorsOptions {
  readonly adminToken: string
  readonly scrape: () => Promise<string>
  readonly upstreams: Upstreams
  readonly drained: DrainedTargets
  readonly draining: { readonly isDraining: boolean }
  readonly log: Logger
}

/** Health, metrics, statistics, limits and accounts. */
export function serveOperators(
  app: FastifyInstance,
  config: GatewayConfig,
  { stores, metrics, limiter, statistics, hashing, responses }: Parts,
  { adminToken, scrape, upstreams, drained, draining, log }: OperatorsOptions,
): void {
  const { home: accounts, codes, audit } = stores.accounts
  const { sessions } = stores.sessions.home
  app.register(adminRoutes, {
    token: adminToken,
    statistics,
    metrics: { contentType: metrics.contentType, scrape },
    checks: [
      { name: 'sessions', isReady: stores.sessions.ping },
      { name: 'accounts', isReady: stores.accounts.ping },
      { name: 'hits', isReady: stores.hits.ping, isRequired: false },
    ],
    isDraining: () => draining.isDraining,
    limits: {
      limits: limitsOfSubjects(config, limiter, accounts),
      audit,
      changed: (entry) => log.warn(entry, `limits changed: ${entry.action}`),
    },
    accounts: {
      administration: createAccountAdministration({ accounts, sessions, codes, hashing }),
      audit,
      changed: (entry) => log.warn(entry, `accounts changed: ${entry.action}`),
    },
    cache: {
      async purgePath(path) {
        const purged = await Promise.all(pathGroupsOf(path).map((group) => responses.purge(group)))
        return purged.reduce((sum, count) => sum + count, 0)
      },
      purgeTag: (tag) => responses.purge(tagGroup(tag)),
      audit,
      changed: (entry) => log.warn(entry, `cache changed: ${entry.action}`),
    },
    upstreams: {
      upstreams: upstreams.all,
      drain: (change) => drained.change(change),
      audit,
      changed: (entry) => log.warn(entry, `upstreams changed: ${entry.action}`),
    },
    config: maskedConfig(config),
  })
}

/** Whoever asks only whether somebody may connect. */
export function serveChecks(
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
