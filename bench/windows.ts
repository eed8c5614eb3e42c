import { Redis } from 'ioredis'
import { windowKey } from '../gateway/connections/redis-keys.ts'
import { type BenchCase, callersOf, policyNameOf, windowMsOf } from './cases.ts'
import type { Stage } from './stage.ts'
import { median } from './summary.ts'

/** A log as the gateway would have written it: ARGV 1 calls, evenly through the last ARGV 2 microseconds. */
const writeLog = `
local time = redis.call('TIME')
local now, calls, window = time[1] * 1000000 + time[2], tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('DEL', KEYS[1])
for call = 0, calls - 1 do
  redis.call('RPUSH', KEYS[1], string.format('%.0f', now - math.floor(call * window / calls)))
end
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
`

/**
 * Fills the windows of a case's callers, off the clock: nobody waits for 90,000 calls.
 *
 * @returns to be disposed of after the load: forgets them, so that Redis holds those of one case only
 */
export async function fillWindows(
  benchCase: BenchCase,
  stage: Pick<Stage, 'redisUrl' | 'tokens'>,
): Promise<AsyncDisposable> {
  const { route, filledTo = 0 } = benchCase
  await using redis = connect(stage.redisUrl)
  const callers = callersOf(benchCase, stage.tokens.length)
  const subjects = stage.tokens.slice(0, callers).map(subjectOf)
  const filled: string[] = []
  for (const [index, { quota }] of (route?.policies ?? []).entries()) {
    const keys = subjects.map((subject) => windowKey(subject, policyNameOf(benchCase, index)))
    const [first = '', ...others] = keys
    const windowUs = windowMsOf(quota, callers) * 1000
    await redis.client.eval(writeLog, 1, first, Math.floor(quota * filledTo), windowUs)
    for (const other of others) await redis.client.copy(first, other, 'REPLACE')
    filled.push(...keys)
  }
  return {
    async [Symbol.asyncDispose]() {
      await using again = connect(stage.redisUrl)
      if (filled.length > 0) await again.client.unlink(...filled)
    },
  }
}

/**
 * What one window of this case takes in Redis, without what any key takes (its name, its place among
 * the keys): median of the users' in bytes.
 *
 * @throws Error when a user's window does not hold as many calls as its quota
 */
export async function windowBytes(
  benchCase: BenchCase,
  stage: Pick<Stage, 'redisUrl' | 'tokens'>,
): Promise<number> {
  await using redis = connect(stage.redisUrl)
  const quota = benchCase.route?.policies[0]?.quota
  const bytes: number[] = []
  for (const token of stage.tokens) {
    const key = windowKey(subjectOf(token), policyNameOf(benchCase, 0))
    const calls = await redis.client.llen(key)
    if (calls !== quota) throw new Error(`${key} holds ${calls} calls, not ${quota}`)
    const full = await redis.client.memory('USAGE', key, 'SAMPLES', 0)
    // As long a name, in place of the hash tag's braces, and an empty value; both expire.
    const empty = key.replace('{', '<').replace('}', '>')
    await redis.client.set(empty, '', 'PX', 60_000)
    bytes.push((full ?? 0) - ((await redis.client.memory('USAGE', empty)) ?? 0))
    await redis.client.unlink(empty)
  }
  return median(bytes)
}

/** As the gateway names a connected user. */
function subjectOf(token: string): string {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return `u:${(JSON.parse(payload) as { sub: string }).sub}`
}

function connect(url: string): AsyncDisposable & { readonly client: Redis } {
  const client = new Redis(url)
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.quit()
    },
  }
}
