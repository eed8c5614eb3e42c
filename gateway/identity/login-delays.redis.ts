import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import { loginAttemptsKey } from '../connections/redis-keys.ts'
import { forgottenAfterMs, type LoginDelays } from './login-delays.ts'

const readScript = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')
const beginScript = readScript('begin-attempt')
const takeBackScript = readScript('take-back-attempt')

interface DelayCommands {
  beginAttempt(attempts: string, ...args: number[]): Promise<number>
  takeBackAttempt(attempts: string): Promise<1>
}

/** Failed attempts in Redis, shared by all gateways; time is Redis's own. */
export function createRedisLoginDelays(redis: Redis | Cluster): LoginDelays {
  redis.defineCommand('beginAttempt', { numberOfKeys: 1, lua: beginScript })
  redis.defineCommand('takeBackAttempt', { numberOfKeys: 1, lua: takeBackScript })
  const commands = redis as unknown as DelayCommands
  return {
    begin: (subject, { freeAttempts, firstDelayMs, longestDelayMs }) =>
      commands.beginAttempt(
        loginAttemptsKey(subject),
        freeAttempts,
        firstDelayMs,
        longestDelayMs,
        forgottenAfterMs,
      ),
    async takeBack(subject) {
      await commands.takeBackAttempt(loginAttemptsKey(subject))
    },
    async forget(subject) {
      await redis.del(loginAttemptsKey(subject))
    },
  }
}
