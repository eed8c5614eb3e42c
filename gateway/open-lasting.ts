import type { Logger } from 'pino'
import type { GatewayConfig } from './config/config.ts'
import { createEmbeddedAdmission } from './limiting/admission.embedded.ts'
import { createLimiter, type Limiter } from './limiting/limiter.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { watchStore } from './metrics/watch-store.ts'
import { openStores, type Stores } from './open-stores.ts'
import { type OpenWebsockets, trackWebsockets } from './proxying/websocket/open-websockets.ts'

export type WatchedStores = Omit<Stores, typeof Symbol.asyncDispose>

/**
 * What stays when the configuration is read again: sessions and windows, figures, what was counted without the store,
 * and open WebSockets.
 */
export interface Lasting {
  readonly stores: WatchedStores
  readonly metrics: Metrics
  readonly limiter: Limiter
  readonly websockets: OpenWebsockets
}

/**
 * Opens the stores; `opened` closes them.
 *
 * @throws Error that names what could not be opened and the cure
 */
export async function openLasting(
  config: GatewayConfig,
  version: string,
  log: Logger,
  opened: AsyncDisposableStack,
): Promise<Lasting> {
  const plainStores = opened.use(await openStores(config, log))
  const metrics = createMetrics({ version, stores: ['sessions', 'hits', 'accounts'] })
  opened.defer(metrics.close)
  const stores = watched(plainStores, metrics, log)
  const limiter = opened.use(openLimiter(stores, config.stores.instances * config.workers, metrics, log))
  return { stores, metrics, limiter, websockets: openWebsockets(stores, metrics, limiter) }
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

function openWebsockets(
  { sessions }: WatchedStores,
  metrics: Metrics,
  limiter: Pick<Limiter, 'look'>,
): OpenWebsockets {
  return trackWebsockets({
    async isAlive(session) {
      const looked = await limiter.look({ session, windows: [], callId: '' })
      return looked.kind !== 'session-ended'
    },
    listen: (heard) =>
      sessions.home.news.listen((news) => {
        if (news.kind === 'missed') heard(null)
        else if (news.kind === 'loosened' && news.subject.startsWith('u:')) heard(news.subject.slice(2))
      }),
    counted: metrics.websocketsOpen,
  })
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
