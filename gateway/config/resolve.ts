import { availableParallelism } from 'node:os'
import type { Policy } from '../limiting/policy.ts'
import type { AccountsStore, CacheStore, GatewayConfig, HitsStore, SessionsStore } from './config.ts'
import { resolveDelegate } from './resolve-delegate.ts'
import { resolveIssuers } from './resolve-issuers.ts'
import { durationMs, resolvePolicy } from './resolve-policy.ts'
import { resolveUpstream } from './resolve-upstream.ts'
import { entriesOf } from './rules/entries.ts'
import { keptInProcess } from './rules/workers.ts'
import type { ConfigFile } from './schema.ts'

/**
 * Turns a file without problems into what the gateway runs with.
 * Throws when a name or duration does not resolve: validation has a hole then.
 */
export function resolveConfig(file: ConfigFile): GatewayConfig {
  const { listen, admin, check, stores, identity, limits } = file
  const publicUrl = origin(
    listen.publicUrl ||
      `${listen.tls ? 'https' : 'http'}://localhost${listen.port === 0 ? '' : `:${listen.port}`}`,
  )
  const policies = Object.entries(file.policies).map(([name, policy]) => resolvePolicy(name, policy))
  const byName = new Map(policies.map((policy) => [policy.name, policy]))
  const named = (names: readonly string[]) => names.map((name) => byName.get(name) ?? missing(name))
  return {
    listen: {
      host: listen.host,
      port: listen.port,
      publicUrl,
      trustedProxies: entriesOf(listen.trustedProxies),
      tls: listen.tls ?? null,
    },
    check: check === undefined ? null : resolveCheck(check, named([check.policy])),
    admin: { host: admin.host, port: admin.port, token: admin.token || null },
    stores: {
      sessions: store(stores.sessions) as SessionsStore,
      hits: store(stores.hits) as HitsStore,
      accounts: store(stores.accounts) as AccountsStore,
      deadlineMs: durationMs(stores.deadline),
      instances: stores.instances,
    },
    identity: {
      keysDirectory: identity.keysDirectory,
      rotateKeysEveryMs: identity.rotateKeysEvery ? durationMs(identity.rotateKeysEvery) : null,
      accessTokenLifetimeMs: durationMs(identity.accessTokenLifetime),
      sessionLifetimeMs: durationMs(identity.sessionLifetime),
      idleLifetimeMs: idleLifetimeMs(identity),
      refreshGraceMs: durationMs(identity.refreshGrace),
      issuer: identity.issuer || publicUrl,
      audience: identity.audience,
      issuers: resolveIssuers(identity.issuers),
      isRegistrationOpen: identity.registration === 'open',
      secureCookies: identity.secureCookies ?? publicUrl.startsWith('https:'),
      delegate: identity.delegate === undefined ? null : resolveDelegate(identity.delegate),
    },
    mail: resolveMail(file.mail, publicUrl),
    policies,
    login: { policies: named(file.login.policies) },
    answers: {
      partitionKeys: file.answers.partitionKeys,
      legacyHeaders: file.answers.legacyHeaders,
      corsOrigins: corsOrigins(file.answers.corsOrigins),
    },
    cache: { ...file.cache, home: store(file.cache.home) as CacheStore },
    upstreams: Object.entries(file.upstreams).map(([name, upstream]) => resolveUpstream(name, upstream)),
    routes: file.routes.map(({ name, service, policies, cache, responseTimeout, ...route }) => ({
      ...route,
      name: name || route.path,
      service: service || null,
      policies: named(policies),
      isCached: cache,
      responseTimeoutMs: responseTimeout ? durationMs(responseTimeout) : null,
    })),
    limits: {
      maxBodyBytes: limits.maxBodyBytes,
      headersTimeoutMs: durationMs(limits.headersTimeout),
      requestTimeoutMs: durationMs(limits.requestTimeout),
      drainTimeoutMs: durationMs(limits.drainTimeout),
      maxInFlight: limits.maxInFlight,
      maxEventLoopLagMs: durationMs(limits.maxEventLoopLag),
      maxConnections: limits.maxConnections ?? null,
    },
    workers: resolveWorkers(file),
    log: { level: file.log.level },
  }
}

function resolveCheck(
  { host, port, token }: NonNullable<ConfigFile['check']>,
  [policy]: readonly Policy[],
): GatewayConfig['check'] {
  return policy === undefined ? null : { host, port, policy, token: token || null }
}

function resolveWorkers(file: ConfigFile): number {
  if (file.workers !== 'auto') return Number(file.workers)
  return keptInProcess(file).length > 0 ? 1 : availableParallelism()
}

const usualIdleLifetimeMs = 7_200_000

/** Always longer than an access token lives: who comes back when theirs ran out is still there. */
function idleLifetimeMs({
  idleLifetime,
  accessTokenLifetime,
  sessionLifetime,
}: ConfigFile['identity']): number {
  if (idleLifetime) return durationMs(idleLifetime)
  const least = Math.max(usualIdleLifetimeMs, 2 * durationMs(accessTokenLifetime))
  return Math.min(least, durationMs(sessionLifetime))
}

function resolveMail(
  { smtp, ca, from, outbox }: ConfigFile['mail'],
  publicUrl: string,
): GatewayConfig['mail'] {
  const sender = from || `Guichet <no-reply@${new URL(publicUrl).hostname}>`
  if (smtp) return { kind: 'smtp', url: smtp, from: sender, ca: ca || null }
  return outbox ? { kind: 'outbox', directory: outbox, from: sender } : null
}

function store(text: string): SessionsStore | HitsStore | AccountsStore | CacheStore {
  if (text === 'embedded') return { kind: 'embedded' }
  if (text.startsWith('sqlite:')) return { kind: 'sqlite', file: text.slice('sqlite:'.length) }
  if (/^rediss?-cluster:/.test(text)) return { kind: 'redis-cluster', url: text }
  return text.startsWith('mysql:') ? { kind: 'mysql', url: text } : { kind: 'redis', url: text }
}

function corsOrigins(written: string | readonly string[]): '*' | readonly string[] {
  const entries = entriesOf(written)
  return entries[0] === '*' ? '*' : entries.map(origin)
}

const origin = (url: string) => new URL(url).origin

function missing(text: string): never {
  throw new Error(`validation let "${text}" through`)
}
