import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { adjustmentKey, sessionKey, settledKey, windowKey } from '../connections/redis-keys.ts'
import {
  type Admission,
  type AdmissionRequest,
  type AdmissionStore,
  nextFreeMs,
  retryAfterMs,
  type Settlement,
  type WindowRequest,
  type WindowState,
} from './admission.ts'
import type { Policy } from './policy.ts'

const script = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')

/** More calls than this go to Redis in a second script, so that one never holds it for long. */
const callsPerScript = 200

interface Waiting {
  readonly request: AdmissionRequest
  readonly isCounting: boolean
  readonly resolve: (admission: Admission) => void
  readonly reject: (error: unknown) => void
}

type Argument = string | number
type Script = (keyCount: number, ...keysAndArguments: Argument[]) => Promise<number[]>

export interface RedisAdmissionOptions {
  /** Epoch milliseconds instead of Redis's own clock; for tests. */
  readonly now?: () => number
}

/**
 * Admission in Redis, with its clock. Calls that arrive in one turn of the event loop share one
 * EVALSHA, in their order. The connection's command timeout is the deadline of every call.
 */
export function createRedisAdmission(redis: Redis, options: RedisAdmissionOptions = {}): AdmissionStore {
  const meters = script('meters')
  redis.defineCommand('admit', { lua: meters + script('admit') })
  redis.defineCommand('settle', { lua: meters + script('settle') })
  redis.defineCommand('replay', { lua: meters + script('replay') })
  redis.defineCommand('timeline', { lua: meters + script('timeline') })
  const scripts = redis as unknown as Record<'admit' | 'settle' | 'replay' | 'timeline', Script>
  const clock = (): number => (options.now === undefined ? 0 : Math.round(options.now() * 1000))
  let waiting: Waiting[] = []

  // The client sends a script's text with its first use on a socket. An empty batch is that first use.
  const sendText = (): void => void scripts.admit(0, 0).catch(() => undefined)
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
      const { keys, args } = encode(batch)
      const reply = await scripts.admit(keys.length, ...keys, clock(), ...args)
      let at = 0
      for (const { request, resolve } of batch) {
        resolve(decode(request, reply, at))
        at += 1 + numbersPerWindow * request.windows.length
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  const ask = (request: AdmissionRequest, isCounting: boolean): Promise<Admission> =>
    new Promise((resolve, reject) => {
      if (waiting.push({ request, isCounting, resolve, reject }) === 1) setImmediate(sendWaiting)
    })

  return {
    admit: (request) => ask(request, true),
    look: (request) => ask(request, false),
    async timeline(window, most) {
      const { policy, subject, bucket } = window.request
      if (window.isBanned || policy.algorithm !== 'log') return nextFreeMs(window)
      const key = windowKey(subject, bucket)
      const times = await scripts.timeline(1, key, clock(), policy.windowMs * 1000, window.quota, most)
      return times.map((time) => time / 1000)
    },
    async settle(settlements) {
      const keys = settlements.flatMap(({ window: { request }, callId, act }) => [
        windowKey(request.subject, request.bucket),
        settledKey(request.subject, `${act.kind}:${request.bucket}:${callId}`),
      ])
      if (keys.length > 0)
        await scripts.settle(keys.length, ...keys, clock(), ...settlements.flatMap(settleArguments))
    },
    async replay(calls) {
      const keys = calls.map(({ window }) => windowKey(window.subject, window.bucket))
      const args = calls.flatMap(({ window: { policy, quota, cost }, agoMs }) => [
        policy.algorithm,
        policy.windowMs * 1000,
        quota,
        cost,
        Math.min(policy.burst, quota),
        Math.round(agoMs * 1000),
      ])
      if (keys.length > 0) await scripts.replay(keys.length, ...keys, clock(), ...args)
    },
    async reset({ subject, bucket }) {
      await redis.del(windowKey(subject, bucket), adjustmentKey(subject, bucket))
    },
    async boost({ subject, bucket }, quota, forMs) {
      const key = adjustmentKey(subject, bucket)
      const [seconds, microseconds] = await redis.time()
      const now = clock() || Number(seconds) * 1_000_000 + Number(microseconds)
      await redis.hset(key, 'quota', quota, 'quotaUntil', now + forMs * 1000)
      if ((await redis.pttl(key)) < forMs) await redis.pexpire(key, forMs)
    },
  }
}

const numbersPerWindow = 6

function encode(batch: readonly Waiting[]): { keys: string[]; args: Argument[] } {
  const keys: string[] = []
  const args: Argument[] = []
  for (const { request, isCounting } of batch) {
    const { session, windows, callId } = request
    if (session !== null) keys.push(sessionKey(session.accountId, session.sessionId))
    args.push(session === null ? 0 : 1, isCounting ? 1 : 0, callId, windows.length)
    for (const { policy, subject, bucket, quota, cost, isShadow } of windows) {
      keys.push(windowKey(subject, bucket), adjustmentKey(subject, bucket))
      args.push(specificationOf(policy, isShadow), quota, cost)
    }
  }
  return { keys, args }
}

interface Specifications {
  readonly enforced: string
  readonly shadow: string
}

const specifications = new WeakMap<Policy, Specifications>()

/** What does not change from call to call, as the script reads it. */
function specificationOf(policy: Policy, isShadow: boolean): string {
  let known = specifications.get(policy)
  if (known === undefined) {
    const { algorithm, windowMs, burst, countsDenied, ban } = policy
    const text = (shadow: 0 | 1): string =>
      [
        algorithm,
        windowMs * 1000,
        burst,
        shadow,
        countsDenied ? 1 : 0,
        ban?.afterDenials ?? 0,
        (ban?.forMs ?? 0) * 1000,
        (ban?.atMostMs ?? 0) * 1000,
      ].join(' ')
    known = { enforced: text(0), shadow: text(1) }
    specifications.set(policy, known)
  }
  return isShadow ? known.shadow : known.enforced
}

function settleArguments({ window, callId, act }: Settlement): Argument[] {
  const { policy, cost } = window.request
  const places = act.kind === 'charge' ? act.places : cost
  const burst = Math.min(policy.burst, window.quota)
  return [
    act.kind,
    policy.algorithm,
    policy.windowMs * 1000,
    window.quota,
    places,
    burst,
    window.receipt,
    callId,
  ]
}

function decode({ windows }: AdmissionRequest, reply: readonly number[], at: number): Admission {
  const status = reply[at]
  if (status === 0) return { kind: 'session-ended' }
  const states = windows.map(
    (request, i): WindowState => stateOf(request, reply, at + 1 + numbersPerWindow * i),
  )
  if (status === 1) return { kind: 'allowed', windows: states }
  return { kind: 'denied', windows: states, retryAfterMs: retryAfterMs(states) }
}

function stateOf(request: WindowRequest, reply: readonly number[], at: number): WindowState {
  return {
    request,
    hasRoom: reply[at] === 1,
    isBanned: reply[at + 1] === 1,
    quota: reply[at + 2] as number,
    remaining: reply[at + 3] as number,
    resetMs: (reply[at + 4] as number) / 1000,
    receipt: reply[at + 5] as number,
  }
}
