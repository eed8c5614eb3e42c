import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import {
  accountSessionsKey,
  limitNewsChannel,
  liveSessionsKey,
  sessionKey,
} from '../connections/redis-keys.ts'
import type { Rotation, Sessions } from './sessions.ts'

const readScript = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')
const openScript = readScript('open-session')
const rotateScript = readScript('rotate-session')
const endScript = readScript('end-sessions')
const listScript = readScript('list-session')

interface SessionCommands {
  openSession(session: string, ofAccount: string, ...args: (string | number)[]): Promise<string>
  rotateSession(session: string, ofAccount: string, ...args: string[]): Promise<0 | 1 | 2>
  listSession(live: string, sessionId: string, expiresAtMs: number, lifetimeMs: number): Promise<1>
  endSessions(ofAccount: string, sessionPrefix: string): Promise<[ended: string[], gone: string[]]>
}

const rotations: Readonly<Record<0 | 1 | 2, Rotation>> = {
  0: { kind: 'session-ended' },
  1: { kind: 'rotated' },
  2: { kind: 'reused' },
}

/**
 * Sessions in Redis, shared by all gateways, each under its account's hash tag so that the admission
 * script sees it. Times are Redis's own. The list behind `count` lies on another slot and is written
 * after the session itself: when the connection breaks in between, the gauge is off until that session
 * would have expired, and nothing else.
 */
export function createRedisSessions(redis: Redis | Cluster): Sessions {
  redis.defineCommand('openSession', { numberOfKeys: 2, lua: openScript })
  redis.defineCommand('rotateSession', { numberOfKeys: 2, lua: rotateScript })
  redis.defineCommand('listSession', { numberOfKeys: 1, lua: listScript })
  redis.defineCommand('endSessions', { numberOfKeys: 1, lua: endScript })
  const commands = redis as unknown as SessionCommands

  // A gateway that remembers a denial of this account would not look at its session before the denial ends.
  const tellGateways = async (accountId: string): Promise<void> => {
    await redis.publish(limitNewsChannel, `loosened u:${accountId}`)
  }

  const forgetInGauge = async (sessionIds: readonly string[]): Promise<void> => {
    if (sessionIds.length > 0) await redis.zrem(liveSessionsKey, ...sessionIds)
  }

  return {
    async open({ accountId, sessionId, refreshHash, openedAtMs }, lifetimeMs) {
      const now = await commands.openSession(
        sessionKey(accountId, sessionId),
        accountSessionsKey(accountId),
        sessionId,
        refreshHash,
        openedAtMs,
        lifetimeMs,
      )
      await commands.listSession(liveSessionsKey, sessionId, Number(now) + lifetimeMs, lifetimeMs)
    },
    async isAlive(accountId, sessionId) {
      return (await redis.exists(sessionKey(accountId, sessionId))) === 1
    },
    async rotate(accountId, sessionId, presentedHash, nextHash) {
      const reply = await commands.rotateSession(
        sessionKey(accountId, sessionId),
        accountSessionsKey(accountId),
        sessionId,
        presentedHash,
        nextHash,
      )
      if (reply === 2) {
        await tellGateways(accountId)
        await forgetInGauge([sessionId])
      }
      return rotations[reply]
    },
    async end(accountId, sessionId) {
      await redis.del(sessionKey(accountId, sessionId))
      await tellGateways(accountId)
      await redis.zrem(accountSessionsKey(accountId), sessionId)
      await forgetInGauge([sessionId])
    },
    async endAll(accountId) {
      const [ended, gone] = await commands.endSessions(
        accountSessionsKey(accountId),
        sessionKey(accountId, ''),
      )
      await tellGateways(accountId)
      await forgetInGauge([...ended, ...gone])
      return ended.length
    },
    async count() {
      const [seconds, microseconds] = await redis.time()
      const now = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
      await redis.zremrangebyscore(liveSessionsKey, '-inf', now)
      return await redis.zcard(liveSessionsKey)
    },
  }
}
