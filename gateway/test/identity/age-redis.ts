import type { Redis } from 'ioredis'

/**
 * Redis cannot be told the time: instead every key, every expiry in a list and every instant in a
 * session comes that much closer to its end. What a gateway's clock wrote (`issuedAtMs`) stays.
 */
export async function ageRedis(redis: Redis, byMs: number): Promise<void> {
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key)
    if (type === 'zset') {
      for (const member of await redis.zrange(key, '0', '-1')) await redis.zincrby(key, -byMs, member)
    }
    if (type === 'hash') {
      for (const field of await redis.hkeys(key)) {
        if (field.endsWith('AtMs') && field !== 'issuedAtMs') await redis.hincrby(key, field, -byMs)
      }
    }
    const leftMs = await redis.pttl(key)
    if (leftMs >= 0) await redis.pexpire(key, leftMs - byMs)
  }
}

/** Epoch milliseconds. */
export async function redisNowMs(redis: Pick<Redis, 'time'>): Promise<number> {
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
}
