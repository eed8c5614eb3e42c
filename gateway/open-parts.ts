import type { Logger } from 'pino'
import type { Responses } from './caching/responses.ts'
import type { GatewayConfig } from './config/config.ts'
import { createRecorder, type Recorder } from './hits/recorder.ts'
import { createStatistics, type Statistics } from './hits/statistics.ts'
import { createSessionCookies, type SessionCookies } from './identity/cookies.ts'
import { forgetOldLogins } from './identity/forget-old-logins.ts'
import { openIssuers } from './identity/issuers/issuers.ts'
import type { Mails } from './identity/mails/mail.ts'
import { createPasswordHashing, type PasswordHashing } from './identity/password-hashing.ts'
import { watchSigningKeys } from './identity/rotate-signing-keys.ts'
import { acceptedForMs, openSigningKeys, type SigningKeys } from './identity/signing-keys.ts'
import { createTokens, type Tokens } from './identity/tokens.ts'
import { createEmbeddedAdmission } from './limiting/admission.embedded.ts'
import type { AdmitOptions } from './limiting/admit.step.ts'
import { createLimitHeaders } from './limiting/headers.ts'
import { createLimiter, type Limiter } from './limiting/limiter.ts'
import { createPartitionKeys } from './limiting/partition-key.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { watchStore } from './metrics/watch-store.ts'
import { openCache } from './open-cache.ts'
import { openMails } from './open-mails.ts'
import { openStores, type Stores } from './open-stores.ts'

export type WatchedStores = Omit<Stores, typeof Symbol.asyncDispose>

/** What the listeners are built of. */
export interface Parts {
  readonly stores: WatchedStores
  readonly metrics: Metrics
  readonly keys: SigningKeys
  readonly tokens: Tokens
  readonly cookies: SessionCookies
  /** One queue for all who hash, so that its bound is the process's. */
  readonly hashing: PasswordHashing
  readonly limiter: Limiter
  /** What every endpoint that asks the limiter takes. */
  readonly deciding: Omit<AdmitOptions, 'refuseDeadSession'>
  /** Null: none can be sent. */
  readonly mails: Mails | null
  /** Answers of the apps. */
  readonly responses: Responses
  readonly recorder: Recorder
  readonly statistics: Statistics
}

/**
 * Opens the stores and builds what stands on them; `opened` closes it all in reverse.
 *
 * @throws Error that names what could not be opened and the cure
 */
export async function openParts(
  config: GatewayConfig,
  version: string,
  log: Logger,
  opened: AsyncDisposableStack,
): Promise<Parts> {
  const { identity, answers } = config
  const plainStores = opened.use(await openStores(config, log))
  const keys = await openKeys(config, log, opened)
  const services = [...new Set(config.routes.flatMap(({ service }) => service ?? []))]
  const metrics = createMetrics({
    version,
    services,
    policies: config.policies.map(({ name }) => name),
    stores: ['sessions', 'hits', 'accounts'],
  })
  opened.defer(metrics.close)
  const stores = watched(plainStores, metrics, log)
  opened.use(
    forgetOldLogins({
      accounts: stores.accounts.home,
      warn: (problem, err) => log.warn({ store: 'accounts', err }, problem),
    }),
  )
  const limiter = opened.use(openLimiter(stores, config.stores.instances, metrics, log))
  const recorder = openRecorder(stores, config.limits.drainTimeoutMs, log, opened)
  const statistics = createStatistics({ accounts: stores.accounts.home, hits: stores.hits.home, services })
  readStoresAtScrapes(metrics, stores, statistics, () => recorder.pending)
  return {
    stores,
    metrics,
    keys,
    hashing: createPasswordHashing(),
    limiter,
    responses: await openCache(config, metrics, log, opened),
    mails: openMails(config, log, opened),
    recorder,
    statistics,
    deciding: {
      limiter,
      limitHeaders: createLimitHeaders({
        partitionKey: answers.partitionKeys ? createPartitionKeys(keys.secretFor('partition keys')) : null,
        legacyHeaders: answers.legacyHeaders,
      }),
      decided: metrics.decided,
      refusedAlone: ({ name }) => metrics.decidedAs(name, 'denied', 'degraded'),
    },
    tokens: createTokens({
      keys,
      issuer: identity.issuer,
      audience: identity.audience,
      issuers: openIssuers({
        issuers: identity.issuers,
        warn: (issuer, err) =>
          log.warn({ issuer, err }, 'the keys of an issuer cannot be fetched; those known stay'),
      }),
      lifetimeMs: identity.accessTokenLifetimeMs,
    }),
    cookies: createSessionCookies({
      isSecure: identity.secureCookies,
      accessLifetimeMs: identity.accessTokenLifetimeMs,
      sessionLifetimeMs: identity.sessionLifetimeMs,
    }),
  }
}

/** The keys that sign our tokens, picked up again whenever somebody changes them. */
async function openKeys(
  { identity }: GatewayConfig,
  log: Logger,
  opened: AsyncDisposableStack,
): Promise<SigningKeys> {
  const { keysDirectory: directory, accessTokenLifetimeMs: tokenLifetimeMs, rotateKeysEveryMs } = identity
  const keys = await openSigningKeys({ directory, tokenLifetimeMs })
  opened.use(
    watchSigningKeys({
      keys,
      directory,
      rotateEveryMs: rotateKeysEveryMs,
      acceptedForMs: acceptedForMs(tokenLifetimeMs),
      warn: (err) => log.error({ err }, 'the signing keys could not be read again; those known stay'),
    }),
  )
  return keys
}

/** The same stores, each call of them timed, each change told to the operator once. */
function watched({ accounts, sessions, hits }: WatchedStores, metrics: Metrics, log: Logger): WatchedStores {
  const watch = (store: string) =>
    watchStore({
      called: (seconds) => metrics.storeCall(store, seconds),
      failed: () => metrics.storeFailed(store),
      changed(isUp) {
        metrics.storeIs(store, isUp)
        log.warn({ store }, isUp ? `the store of ${store} is back` : `the store of ${store} is away`)
      },
    })
  const watchAccounts = watch('accounts')
  return {
    accounts: {
      ...accounts,
      home: watchAccounts(accounts.home),
      codes: watchAccounts(accounts.codes),
    },
    // The limiter watches admissions itself: they decide whether this store counts as away.
    sessions,
    hits: { ...hits, home: watch('hits')(hits.home) },
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

function openRecorder(
  { hits }: WatchedStores,
  drainTimeoutMs: number,
  log: Logger,
  opened: AsyncDisposableStack,
): Recorder {
  const recorder = createRecorder(hits.home, {
    onEvent({ kind, ...event }) {
      log.warn(
        { store: 'hits', ...event, ...('cause' in event && { cause: undefined, err: event.cause }) },
        kind,
      )
    },
  })
  opened.defer(async () => {
    const lost = await recorder.close(drainTimeoutMs)
    if (lost > 0) log.error({ lost }, 'hits that could not be written before the end')
  })
  return recorder
}

function readStoresAtScrapes(
  metrics: Metrics,
  stores: Pick<Stores, 'accounts' | 'sessions' | 'hits'>,
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
    evictedKeys: { sessions: stores.sessions.evictedKeys, hits: stores.hits.evictedKeys },
  })
}
