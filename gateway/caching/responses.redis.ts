import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { cacheKey } from '../connections/redis-keys.ts'
import { purgeRememberedMs, type Responses } from './responses.ts'
import { fromBytes, toBytes } from './stored-bytes.ts'

const keepScript = readFileSync(new URL('./keep-response.lua', import.meta.url), 'utf8')
const purgeScript = readFileSync(new URL('./purge-responses.lua', import.meta.url), 'utf8')

interface Scripts {
  keepResponse(keys: number, ...rest: (string | number | Buffer)[]): Promise<number>
  purgeResponses(...rest: (string | number)[]): Promise<number>
}

/**
 * Answers that all gateways share. They lie in one server's database, never a cluster: a purge touches many keys
 * at once. The server bounds their memory (`maxmemory`), expiry and this size bound each of them.
 */
export function createRedisResponses(
  redis: Redis,
  { maxEntryBytes }: { readonly maxEntryBytes: number },
): Responses {
  redis.defineCommand('keepResponse', { lua: keepScript })
  redis.defineCommand('purgeResponses', { lua: purgeScript, numberOfKeys: 2 })
  const scripts = redis as unknown as Scripts

  return {
    async find(keys) {
      const values = await redis.mgetBuffer(...keys.map(cacheKey.entry))
      return values.map((value) => (value === null ? null : fromBytes(value)))
    },

    async keep({ key, by, variant, response, groups, keepMs, askedMsAgo }) {
      const bytes = toBytes({ kind: 'response', response })
      if (bytes.length > maxEntryBytes || keepMs < 1) return false
      const keys = [
        cacheKey.entry(key),
        cacheKey.entry(variant),
        ...groups.flatMap((group) => [cacheKey.group(group), cacheKey.purged(group)]),
      ]
      const marker = toBytes({ kind: 'varies', by })
      const times = [Math.ceil(keepMs), askedMsAgo]
      return (await scripts.keepResponse(keys.length, ...keys, marker, bytes, ...times)) === 1
    },

    async forget(keys) {
      if (keys.length > 0) await redis.unlink(...keys.map(cacheKey.entry))
    },

    purge: (group) =>
      scripts.purgeResponses(cacheKey.group(group), cacheKey.purged(group), purgeRememberedMs),
  }
}
