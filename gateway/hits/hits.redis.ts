import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { hitsKey } from '../connections/redis-keys.ts'
import type { Hit } from './hit.ts'
import { type HitBatch, type HitFilter, type Hits, recentCallsKept } from './hits.ts'

const recordScript = readFileSync(new URL('./record-hits.lua', import.meta.url), 'utf8')
const rememberSenderSeconds = 86_400
const idsPerCommand = 1_000

type RecordHits = (...keysAndArguments: (string | number)[]) => Promise<number>

/**
 * Hits in Redis, on a connection of their own (DB 1 by default), so that neither their load nor their
 * failures reach sessions and windows. The connection's command timeout is the deadline of every call.
 */
export function createRedisHits(redis: Redis): Hits {
  redis.defineCommand('recordHits', { lua: recordScript, numberOfKeys: 4 })
  const recordHits = (redis as unknown as { recordHits: RecordHits }).recordHits.bind(redis)

  return {
    async record(batch) {
      await recordHits(
        hitsKey.sender(batch.sender),
        hitsKey.services,
        hitsKey.accounts,
        hitsKey.recent,
        ...scriptArguments(batch),
      )
    },

    async services() {
      const calls = Object.entries(await redis.hgetall(hitsKey.services))
      return calls
        .map(([service, count]) => ({ service, calls: Number(count) }))
        .sort((a, b) => b.calls - a.calls || (a.service < b.service ? -1 : 1))
    },

    async leastActive(limit) {
      if (limit < 1) return []
      const pairs = await redis.zrange(hitsKey.accounts, 0, String(limit - 1), 'WITHSCORES')
      const ranking = []
      for (let i = 0; i + 1 < pairs.length; i += 2) {
        ranking.push({ accountId: String(pairs[i]), calls: Number(pairs[i + 1]) })
      }
      return ranking
    },

    async announce(accountIds) {
      for (const ids of slices(accountIds)) {
        await redis.zadd(hitsKey.accounts, 'NX', ...ids.flatMap((id) => ['0', id]))
      }
    },

    async forget(accountIds) {
      for (const ids of slices(accountIds)) await redis.zrem(hitsKey.accounts, ...ids)
    },

    recent: (filter) => searchRecent(redis, filter),

    async ping() {
      await redis.ping()
    },
  }
}

function scriptArguments(batch: HitBatch): (string | number)[] {
  const values: (string | number)[] = [
    batch.sequence,
    rememberSenderSeconds,
    recentCallsKept,
    batch.services.length,
    batch.accounts.length,
  ]
  for (const { service, calls } of batch.services) values.push(service, calls)
  for (const { accountId, calls } of batch.accounts) values.push(accountId, calls)
  for (const hit of batch.recent) values.push(JSON.stringify(hit))
  return values
}

/** Reads the list a thousand at a time: without a filter, the first read is nearly always the only one. */
async function searchRecent(redis: Redis, filter: HitFilter): Promise<Hit[]> {
  const isFiltered = filter.accountId !== undefined || filter.service !== undefined
  const step = isFiltered ? 1_000 : Math.min(filter.limit, 1_000)
  const found: Hit[] = []
  for (let from = 0; from < recentCallsKept && found.length < filter.limit; from += step) {
    const page = await redis.lrange(hitsKey.recent, from, from + step - 1)
    for (const text of page) {
      const hit = JSON.parse(text) as Hit
      if (filter.accountId !== undefined && hit.accountId !== filter.accountId) continue
      if (filter.service !== undefined && hit.service !== filter.service) continue
      found.push(hit)
    }
    if (page.length < step) break
  }
  return found.slice(0, filter.limit)
}

function* slices(ids: readonly string[]): Generator<string[]> {
  for (let from = 0; from < ids.length; from += idsPerCommand) yield ids.slice(from, from + idsPerCommand)
}
