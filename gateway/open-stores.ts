import type { Logger } from 'pino'
import { createMysqlAudit } from './admin/audit.mysql.ts'
import { createSqliteAudit } from './admin/audit.sqlite.ts'
import type { AuditTrail } from './admin/audit.ts'
import type { GatewayConfig } from './config/config.ts'
import { openMysql } from './connections/mysql.ts'
import { openRedis, type RedisConnection, type RedisOptions } from './connections/redis.ts'
import {
  openClusterSubscriber,
  openRedisCluster,
  type RedisClusterConnection,
} from './connections/redis-cluster.ts'
import {
  evictedKeys,
  isCluster,
  takesWrites,
  warnOfEviction,
  watchConnection,
} from './connections/redis-health.ts'
import { openSqlite } from './connections/sqlite.ts'
import { createRedisHits } from './hits/hits.redis.ts'
import { createSqliteHits } from './hits/hits.sqlite.ts'
import type { Hits } from './hits/hits.ts'
import { createMysqlAccounts } from './identity/accounts.mysql.ts'
import { createSqliteAccounts } from './identity/accounts.sqlite.ts'
import type { Accounts } from './identity/accounts.ts'
import { createMysqlCodes } from './identity/codes.mysql.ts'
import { createSqliteCodes } from './identity/codes.sqlite.ts'
import type { Codes } from './identity/codes.ts'
import { createEmbeddedLoginDelays } from './identity/login-delays.embedded.ts'
import { createRedisLoginDelays } from './identity/login-delays.redis.ts'
import { delaysWithFallback, type LoginDelays } from './identity/login-delays.ts'
import { migrateMysql } from './identity/migrations.mysql.ts'
import { migrateSqlite } from './identity/migrations.sqlite.ts'
import { createEmbeddedSessions } from './identity/sessions.embedded.ts'
import { createRedisSessions } from './identity/sessions.redis.ts'
import type { Sessions } from './identity/sessions.ts'
import { createEmbeddedAdmission } from './limiting/admission.embedded.ts'
import { createRedisAdmission } from './limiting/admission.redis.ts'
import type { AdmissionStore } from './limiting/admission.ts'
import { createClusterAdmission } from './limiting/admission-on-cluster.redis.ts'
import { createEmbeddedLimitNews } from './limiting/limit-news.embedded.ts'
import { createRedisLimitNews } from './limiting/limit-news.redis.ts'
import type { LimitNewsChannel } from './limiting/limit-news.ts'

/** A home of a contract, and how to ask whether it answers. */
interface Opened<Home> {
  readonly home: Home
  readonly ping: () => Promise<unknown>
}

interface MayEvict {
  /** Keys thrown away for want of memory since the store started; null for a store that never does. */
  readonly evictedKeys: (() => Promise<number>) | null
}

/** One-time codes and what operators have done lie beside the accounts. */
interface OpenedAccounts extends Opened<Accounts> {
  readonly codes: Codes
  readonly audit: AuditTrail
}

export interface Stores extends AsyncDisposable {
  readonly accounts: OpenedAccounts
  /** Sessions and windows share one store, so that one call answers for both. */
  readonly sessions: Opened<{
    readonly sessions: Sessions
    readonly admission: AdmissionStore
    readonly news: LimitNewsChannel
    readonly loginDelays: LoginDelays
  }> &
    MayEvict & {
      /** Told now and at each change whether there is a connection; never by a store in this process. */
      readonly watchConnection: (changed: (isConnected: boolean) => void) => void
    }
  readonly hits: Opened<Hits> & MayEvict
}

/** Longest wait for a batch of hits; nobody waits for it, so it may be long. */
const hitsDeadlineMs = 1_500

/**
 * Opens the stores that the configuration names. A Redis that does not answer is a warning: the
 * gateway starts without and picks it up later.
 *
 * @throws Error that names the place and the cure when the accounts cannot be opened.
 */
export async function openStores({ stores }: GatewayConfig, log: Logger): Promise<Stores> {
  await using opening = new AsyncDisposableStack()
  const accounts = await openAccounts(stores.accounts, opening, log)
  const sessions = await openSessions(stores, opening, log)
  const hits = await openHits(stores.hits, opening, log)
  const opened = opening.move()
  return { accounts, sessions, hits, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** The accounts alone, for commands that need nothing else. */
export async function openAccounts(
  place: GatewayConfig['stores']['accounts'],
  opened: AsyncDisposableStack,
  log: Pick<Logger, 'warn'>,
): Promise<OpenedAccounts> {
  if (place.kind === 'mysql') {
    const mysql = opened.use(await openMysql(place.url))
    for (const warning of (await migrateMysql(mysql)).warnings) log.warn(warning)
    const home = createMysqlAccounts(mysql)
    return {
      home,
      codes: createMysqlCodes(mysql),
      audit: createMysqlAudit(mysql),
      ping: () => home.ping(),
    }
  }
  const { database } = opened.use(openSqlite(place.file))
  for (const warning of migrateSqlite(database).warnings) log.warn(warning)
  const home = createSqliteAccounts(database)
  return {
    home,
    codes: createSqliteCodes(database),
    audit: createSqliteAudit(database),
    ping: () => home.ping(),
  }
}

async function openSessions(
  { sessions: place, deadlineMs }: GatewayConfig['stores'],
  opened: AsyncDisposableStack,
  log: Logger,
): Promise<Stores['sessions']> {
  if (place.kind === 'embedded') {
    const news = createEmbeddedLimitNews()
    const sessions = createEmbeddedSessions({
      ended: (accountId) => void news.publish({ kind: 'loosened', subject: `u:${accountId}` }),
    })
    const admission = createEmbeddedAdmission({
      now: () => performance.now(),
      isSessionAlive: sessions.isAliveNow,
      exhausted: (subject) => void news.publish({ kind: 'exhausted', subject }),
    })
    return {
      home: { sessions, admission, news, loginDelays: createEmbeddedLoginDelays() },
      ping: async () => undefined,
      watchConnection: () => undefined,
      evictedKeys: null,
    }
  }
  const connection = opened.use(await openSessionsRedis(place, { deadlineMs }))
  warnWhileAway('sessions', connection.problem(), log)
  const { redis } = connection
  warnOfEviction(redis, (warning) => log.warn({ store: 'sessions' }, warning))
  const subscriber = opened.use(
    place.kind === 'redis-cluster'
      ? openClusterSubscriber(place.url, { deadlineMs })
      : await openRedis(place.url, { deadlineMs }),
  )
  const home = {
    sessions: createRedisSessions(redis),
    admission: isCluster(redis) ? createClusterAdmission(redis) : createRedisAdmission(redis),
    news: createRedisLimitNews(redis, subscriber.redis),
    loginDelays: delaysWithFallback(createRedisLoginDelays(redis), createEmbeddedLoginDelays(), (err) =>
      log.debug({ err }, 'a delay of logins was counted by this gateway alone'),
    ),
  }
  return {
    home,
    ping: () => takesWrites(redis),
    watchConnection: (changed) => watchConnection(redis, changed),
    evictedKeys: () => evictedKeys(redis),
  }
}

/** The Redis of sessions and windows: one server, or a cluster. */
export function openSessionsRedis(
  { kind, url }: Exclude<GatewayConfig['stores']['sessions'], { kind: 'embedded' }>,
  options: RedisOptions,
): Promise<RedisConnection | RedisClusterConnection> {
  return kind === 'redis-cluster' ? openRedisCluster(url, options) : openRedis(url, options)
}

async function openHits(
  place: GatewayConfig['stores']['hits'],
  opened: AsyncDisposableStack,
  log: Logger,
): Promise<Stores['hits']> {
  if (place.kind === 'redis') {
    const connection = opened.use(await openRedis(place.url, { deadlineMs: hitsDeadlineMs }))
    warnWhileAway('hits', connection.problem(), log)
    const { redis } = connection
    return {
      home: createRedisHits(redis),
      ping: () => redis.ping(),
      evictedKeys: () => evictedKeys(redis),
    }
  }
  const { database } = opened.use(openSqlite(place.kind === 'embedded' ? ':memory:' : place.file))
  const home = createSqliteHits(database)
  return { home, ping: () => home.ping(), evictedKeys: null }
}

function warnWhileAway(store: string, problem: string | null, log: Logger): void {
  if (problem !== null) log.warn({ store }, `starting without the store of ${store}: ${problem}`)
}
