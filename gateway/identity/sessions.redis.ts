import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import {
  accountSessionsKey,
  limitNewsChannel,
  liveSessionsKey,
  sessionKey,
} from '../connections/redis-keys.ts'
import { type ListedSession, mostSessionsPerAccount, type Rotation, type Sessions } from './sessions.ts'

const readScript = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')
const openScript = readScript('open-session')
const rotateScript = readScript('rotate-session')
const readSessionsScript = readScript('read-sessions')
const endScript = readScript('end-sessions')
const listScript = readScript('list-session')

type RotationReply =
  | ['session-ended' | 'reused']
  | ['rotated', expiresAtMs: string]
  | ['replayed', issuedAtMs: string]

type SessionReply = [
  sessionId: string,
  expiresAtMs: string,
  openedAtMs: string,
  lastSeenAtMs: string | null,
  device: string | null,
  address: string | null,
]

interface SessionCommands {
  openSession(session: string, ofAccount: string, ...args: (string | number)[]): Promise<string[]>
  rotateSession(session: string, ofAccount: string, ...args: (string | number)[]): Promise<RotationReply>
  readSessions(ofAccount: string, sessionPrefix: string): Promise<SessionReply[]>
  endSessions(
    ofAccount: string,
    sessionPrefix: string,
    except: string,
  ): Promise<[ended: string[], gone: string[]]>
  listSession(live: string, sessionId: string, expiresAtMs: string): Promise<1>
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
  redis.defineCommand('readSessions', { numberOfKeys: 1, lua: readSessionsScript })
  redis.defineCommand('endSessions', { numberOfKeys: 1, lua: endScript })
  redis.defineCommand('listSession', { numberOfKeys: 1, lua: listScript })
  const commands = redis as unknown as SessionCommands

  // A gateway that remembers a denial of this account would not look at its session before the denial ends.
  const tellGateways = async (accountId: string): Promise<void> => {
    await redis.publish(limitNewsChannel, `loosened u:${accountId}`)
  }

  // What the session's own key says has happened by now: a gauge must not undo it for the caller.
  const ignoreFailure = async (writing: Promise<unknown>): Promise<void> => {
    await writing.catch(() => undefined)
  }
  const keepInGauge = (sessionId: string, expiresAtMs: string): Promise<void> =>
    ignoreFailure(commands.listSession(liveSessionsKey, sessionId, expiresAtMs))
  const forgetInGauge = async (sessionIds: readonly string[]): Promise<void> => {
    if (sessionIds.length > 0) await ignoreFailure(redis.zrem(liveSessionsKey, ...sessionIds))
  }

  return {
    async open({ accountId, sessionId, refreshHash, device, address }, { lifetimeMs, idleLifetimeMs }) {
      const [expiresAtMs = '', ...ended] = await commands.openSession(
        sessionKey(accountId, sessionId),
        accountSessionsKey(accountId),
        sessionId,
        refreshHash,
        device ?? '',
        address,
        lifetimeMs,
        idleLifetimeMs,
        mostSessionsPerAccount,
        sessionKey(accountId, ''),
      )
      await keepInGauge(sessionId, expiresAtMs)
      if (ended.length === 0) return
      await tellGateways(accountId)
      await forgetInGauge(ended)
    },
    async isAlive(accountId, sessionId) {
      return (await redis.exists(sessionKey(accountId, sessionId))) === 1
    },
    async rotate(request, { graceMs, idleLifetimeMs }) {
      const { accountId, sessionId } = request
      const reply = await commands.rotateSession(
        sessionKey(accountId, sessionId),
        accountSessionsKey(accountId),
        sessionId,
        request.presentedHash,
        request.nextHash,
        request.issuedAtMs,
        request.address,
        graceMs,
        idleLifetimeMs,
      )
      if (reply[0] === 'rotated') await keepInGauge(sessionId, reply[1])
      if (reply[0] === 'reused') {
        await tellGateways(accountId)
        await forgetInGauge([sessionId])
      }
      return rotationOf(reply)
    },
    async list(accountId) {
      const replies = await commands.readSessions(accountSessionsKey(accountId), sessionKey(accountId, ''))
      return replies.map(listedSession).sort((one, other) => other.openedAtMs - one.openedAtMs)
    },
    async end(accountId, sessionId) {
      const wasAlive = (await redis.del(sessionKey(accountId, sessionId))) === 1
      await tellGateways(accountId)
      await redis.zrem(accountSessionsKey(accountId), sessionId)
      await forgetInGauge([sessionId])
      return wasAlive
    },
    async endAll(accountId, { except = '' } = {}) {
      const [ended, gone] = await commands.endSessions(
        accountSessionsKey(accountId),
        sessionKey(accountId, ''),
        except,
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

function rotationOf([kind, detail]: RotationReply): Rotation {
  return kind === 'replayed' ? { kind, issuedAtMs: Number(detail) } : { kind }
}

function listedSession([sessionId, expires, opened, lastSeen, device, address]: SessionReply): ListedSession {
  return {
    sessionId,
    device: device || null,
    address,
    openedAtMs: Number(opened),
    lastSeenAtMs: Number(lastSeen ?? opened),
    expiresAtMs: Number(expires),
  }
}
