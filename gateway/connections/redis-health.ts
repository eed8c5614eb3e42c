import { Cluster, type Redis } from 'ioredis'
import { probeKey } from './redis-keys.ts'

export const isCluster = (redis: Redis | Cluster): redis is Cluster => redis instanceof Cluster

/** Enough to reach every node of a small cluster. */
const probesOfCluster = 16

/**
 * Rejects while writes are refused, not only while nothing answers: a Redis that is full or that became a
 * replica says PONG and admits nobody.
 */
export async function takesWrites(redis: Redis | Cluster): Promise<void> {
  const count = isCluster(redis) ? probesOfCluster : 1
  await Promise.all(Array.from({ length: count }, (_, i) => redis.set(probeKey(i), 1, 'PX', 1_000)))
}

/** Tells now and at each change whether there is a connection; without traffic nobody else would. */
export function watchConnection(redis: Redis | Cluster, changed: (isConnected: boolean) => void): void {
  changed(redis.status === 'ready')
  redis.on('ready', () => changed(true))
  redis.on('close', () => changed(false))
}

/**
 * What a full Redis will do to windows and sessions, in one line with its cure; null when it keeps them.
 * Asked as soon as it is connected; a server that does not tell is not asked again.
 */
export function warnOfEviction(redis: Redis | Cluster, warn: (warning: string) => void): void {
  const ask = async (): Promise<void> => {
    const nodes = isCluster(redis) ? redis.nodes('master') : [redis]
    const memories = await Promise.all(nodes.map((node) => node.info('memory')))
    const policy = memories.map(evictionPolicy).find((found) => found !== null)
    if (policy !== undefined)
      warn(
        `Redis throws keys away when it is full (maxmemory-policy ${policy}): callers then get fresh windows and sessions end; set maxmemory-policy noeviction`,
      )
  }
  const askOnce = (): void => void ask().catch(() => undefined)
  if (redis.status === 'ready') askOnce()
  else redis.once('ready', askOnce)
}

function evictionPolicy(memory: string): string | null {
  const policy = fieldOf(memory, 'maxmemory_policy')
  return policy === undefined || policy === 'noeviction' || fieldOf(memory, 'maxmemory') === '0'
    ? null
    : policy
}

/**
 * Keys it threw away because it was full, since it started; of a cluster, its primaries together.
 *
 * @throws Error when one of them does not tell: the others' sum would look like a server that started anew
 */
export async function evictedKeys(redis: Redis | Cluster): Promise<number> {
  const nodes = isCluster(redis) ? redis.nodes('master') : [redis]
  const counts = await Promise.all(
    nodes.map(async (node) => Number(fieldOf(await node.info('stats'), 'evicted_keys') ?? Number.NaN)),
  )
  const sum = counts.reduce((total, count) => total + count, 0)
  if (counts.length === 0 || Number.isNaN(sum))
    throw new Error('Redis does not tell how many keys it evicted')
  return sum
}

/** Of the answer to INFO. */
const fieldOf = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1]
