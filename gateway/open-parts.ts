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
import type { AdmitOptions } from './limiting/admit.step.ts'
import { createLimitHeaders } from './limiting/headers.ts'
import { createPartitionKeys } from './limiting/partition-key.ts'
import type { Metrics } from './metrics/metrics.ts'
import { openCache } from './open-cache.ts'
import type { Lasting, WatchedStores } from './open-lasting.ts'
import { openMails } from './open-mails.ts'
import type { Stores } from './open-stores.ts'

/** What the listeners are built of. */
export interface Parts extends Lasting {
  readonly keys: SigningKeys
  readonly tokens: Tokens
  readonly cookies: SessionCookies
  /** One queue for all who hash, so that its bound is the process's. */
  readonly hashing: PasswordHashing
  /** What every endpoint that asks the limiter takes. */
  readonly deciding: Omit<AdmitOptions, 'refuseDeadSession' | 'refuse'>
  /** Null: none can be sent. */
  readonly mails: Mails | null
  /** Answers of the apps. */
  readonly responses: Responses
  readonly recorder: Recorder
  readonly statistics: Statistics
  /** From now on scrapes read the stores through these parts. */
  readonly showAtScrapes: () => void
}

/**
 * Builds what one configuration wants on what outlives it; `opened` closes it all in reverse.
 *
 * @throws Error that names what could not be opened and the cure
 */
export async function openParts(
  config: GatewayConfig,
  lasting: Lasting,
  log: Logger,
  opened: AsyncDisposableStack,
): Promise<Parts> {
  const { stores, metrics, limiter } = lasting
  const { identity, answers } = config
  const keys = await openKeys(config, log, opened)
  const services = [...new Set(config.routes.flatMap(({ service }) => service ?? []))]
  metrics.expect({ services, policies: config.policies.map(({ name }) => name) })
  opened.use(
    forgetOldLogins({
      accounts: stores.accounts.home,
      warn: (problem, err) => log.warn({ store: 'accounts', err }, problem),
    }),
  )
  const recorder = openRecorder(stores, config.limits.drainTimeoutMs, log, opened)
  const statistics = createStatistics({ accounts: stores.accounts.home, hits: stores.hits.home, services })
  return {
    ...lasting,
    keys,
    hashing: createPasswordHashing(),
    responses: await openCache(config, metrics, log, opened),
    mails: openMails(config, log, opened),
    recorder,
    statistics,
    showAtScrapes: () => readStoresAtScrapes(metrics, stores, statistics, () => recorder.pending),
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
