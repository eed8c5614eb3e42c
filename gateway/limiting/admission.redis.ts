import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { sessionKey, windowKey } from '../connections/redis-keys.ts'
import {
  type Admission,
  type AdmissionRequest,
  type AdmissionStore,
  retryAfterMs,
  type WindowState,
} from './admission.ts'

const admitScript = readFileSync(new URL('./admit.lua', import.meta.url), 'utf8')

/** More calls than this go to Redis in a second script, so that one never holds it for long. */
const callsPerScript = 200

interface Waiting {
  readonly request: AdmissionRequest
  readonly resolve: (admission: Admission) => void
  readonly reject: (error: unknown) => void
}

type Admit = (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<number[]>

export interface RedisAdmissionOptions {
  /** Epoch milliseconds instead of Redis's own clock; for tests. */
  readonly now?: () => number
}

/**
 * Admission in Redis, with its clock. Calls that arrive in one turn of the event loop share one
 * EVALSHA, in their order. The connection's command timeout is the deadline of every call.
 */
export function createRedisAdmission(redis: Redis, options: RedisAdmissionOptions = {}): AdmissionStore {
  redis.defineCommand('admit', { lua: admitScript })
  const admit = (redis as unknown as { admit: Admit }).admit.bind(redis)
  let waiting: Waiting[] = []

  // The client sends a script's text with its first use on a socket. An empty batch is that first use.
  const sendText = (): void => void admit(0, 0).catch(() => undefined)
  if (redis.status === 'ready') sendText()
  redis.on('ready', sendText)

  function sendWaiting(): void {
    const batch = waiting
    waiting = []
    for (let from = 0; from < batch.length; from += callsPerScript) {
      void send(batch.slice(from, from + callsPerScript))
    }
  }

  async function send(batch: readonly Waiting[]): Promise<void> {
    try {
      const now = options.now === undefined ? 0 : Math.round(options.now() * 1000)
      const reply = await admit(...encode(batch, now))
      let at = 0
      for (const { request, resolve } of batch) {
        resolve(decode(request, reply, at))
        at += 1 + 3 * request.windows.length
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return {
    admit: (request) =>
      new Promise((resolve, reject) => {
        if (waiting.push({ request, resolve, reject }) === 1) setImmediate(sendWaiting)
      }),
  }
}

function encode(batch: readonly Waiting[], now: number): [number, ...(string | number)[]] {
  const keys: string[] = []
  const args: number[] = [now]
  for (const { request } of batch) {
    const { session, windows } = request
    if (session !== null) keys.push(sessionKey(session.accountId, session.sessionId))
    args.push(session === null ? 0 : 1, windows.length)
    for (const { policy, subject } of windows) {
      keys.push(windowKey(subject, policy.name))
      args.push(policy.quota, policy.windowMs * 1000)
    }
  }
  return [keys.length, ...keys, ...args]
}

function decode({ windows }: AdmissionRequest, reply: readonly number[], at: number): Admission {
  const status = reply[at]
  if (status === 0) return { kind: 'session-ended' }
  const states = windows.map(({ policy }, i): WindowState => {
    const [hasRoom, remaining, resetUs] = reply.slice(at + 1 + 3 * i, at + 4 + 3 * i) as [
      number,
      number,
      number,
    ]
    return { policy, hasRoom: hasRoom === 1, remaining, resetMs: resetUs / 1000 }
  })
  if (status === 1) return { kind: 'allowed', windows: states }
  return { kind: 'denied', windows: states, retryAfterMs: retryAfterMs(states) }
}
