import type { Logger } from 'pino'
import { bypassWhenAway } from './caching/bypass-when-away.ts'
import { createEmbeddedResponses } from './caching/responses.embedded.ts'
import { createRedisResponses } from './caching/responses.redis.ts'
import type { Responses } from './caching/responses.ts'
import type { GatewayConfig } from './config/config.ts'
import { openRedis } from './connections/redis.ts'
import type { Metrics } from './metrics/metrics.ts'
import { watchStore } from './metrics/watch-store.ts'

/**
 * Where answers are kept. A Redis that does not answer is a warning: the gateway starts without, asks the apps, and picks
 * it up later. Without a route that has a cache none is opened.
 */
export async function openCache(
  { cache, routes, stores }: Pick<GatewayConfig, 'cache' | 'routes' | 'stores'>,
  metrics: Pick<Metrics, 'storeCall' | 'storeFailed' | 'storeIs'>,
  log: Logger,
  opened: AsyncDisposableStack,
): Promise<Responses> {
  const { home } = cache
  if (home.kind === 'embedded' || !routes.some(({ isCached }) => isCached))
    return createEmbeddedResponses(cache)
  const { deadlineMs } = stores
  const connection = opened.use(await openRedis(home.url, { deadlineMs }))
  const problem = connection.problem()
  if (problem !== null) log.warn({ store: 'cache' }, `starting without the store of answers: ${problem}`)
  metrics.storeIs('cache', problem === null)
  const watch = watchStore({
    called: (seconds) => metrics.storeCall('cache', seconds),
    failed: () => metrics.storeFailed('cache'),
    changed(isUp) {
      metrics.storeIs('cache', isUp)
      log.warn({ store: 'cache' }, isUp ? 'the store of answers is back' : 'the store of answers is away')
    },
  })
  return bypassWhenAway(watch(createRedisResponses(connection.redis, cache)))
}
