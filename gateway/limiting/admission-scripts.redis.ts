import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
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
import type { Asked, Purpose } from './admission-batch.ts'
import type { Policy } from './policy.ts'

const text = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')

const purposes: Readonly<Record<Purpose, number>> = { look: 0, count: 1, judge: 2 }

type Argument = string | number
type Script<Reply> = (keyCount: number, ...keysAndArguments: Argument[]) => Promise<Reply>

export interface RedisAdmissionOptions {
  /** Epoch milliseconds instead of Redis's own clock; for tests. */
  readonly now?: () => number
}

/** The scripts of admission. On a cluster all keys of one script must lie on one slot. */
export interface AdmissionScripts extends Omit<AdmissionStore, 'admit' | 'look'> {
  /** Decides the calls one after the other. */
  admit(calls: readonly Asked[]): Promise<Admission[]>
  /** Sends the text of what every call needs, which the client otherwise does with the first use on a socket. */
  sendText(): void
}

export function defineAdmissionScripts(
  redis: Redis | Cluster,
  options: RedisAdmissionOptions,
): AdmissionScripts {
  const meters = text('meters')
  redis.defineCommand('admit', { lua: meters + text('admit') })
  redis.defineCommand('settle', { lua: meters + text('settle') })
  redis.defineCommand('replay', { lua: meters + text('replay') })
  redis.defineCommand('timeline', { lua: meters + text('timeline') })
  redis.defineCommand('boost', { lua: text('boost') })
  redis.defineCommand('boostLeft', { lua: text('boost-left') })
  const scripts = redis as unknown as Record<'settle' | 'replay' | 'timeline' | 'boost', Script<number[]>> & {
    admit: Script<string>
  }
  const { boostLeft } = redis as unknown as {
    boostLeft(keyCount: number, key: string, clock: number): Promise<number>
  }
  const clock = (): number => (options.now === undefined ? 0 : Math.round(options.now() * 1000))

  return {
    async admit(calls) {
      const { keys, args } = encode(calls)
      const reply = (await scripts.admit(keys.length, ...keys, clock(), ...args)).split(' ')
      let at = 0
      return calls.map(({ request }) => {
        const admission = decode(request, reply, at)
        at += 1 + numbersPerWindow * request.windows.length
        return admission
      })
    },
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
      await scripts.boost(1, adjustmentKey(subject, bucket), clock(), quota, forMs)
    },
    async boostLeftMs({ subject, bucket }) {
      return (await boostLeft.call(redis, 1, adjustmentKey(subject, bucket), clock())) / 1000
    },
    sendText: () => void scripts.admit(0, 0, '').catch(() => undefined),
  }
}

const numbersPerWindow = 6

/**
 * What calls have in common, their session apart and the policies of their route, is sent once for all of
 * them: half of what a call costs here is text.
 */
function encode(calls: readonly Asked[]): { keys: string[]; args: string[] } {
  const keys: string[] = []
  const shapes = new Map<string, number>()
  let list = ''
  let before: Asked | null = null
  let place = 0
  for (const call of calls) {
    const { session, windows, callId } = call.request
    if (session !== null) keys.push(sessionKey(session.accountId, session.sessionId))
    let isLease = false
    for (const { policy, subject, bucket } of windows) {
      keys.push(windowKey(subject, bucket), adjustmentKey(subject, bucket))
      if (policy.algorithm === 'concurrent') isLease = true
    }
    // Neighbours are most often alike, and to compare them costs less than to write their shape.
    if (before === null || !isAlike(call, before)) {
      const shape = shapeOf(call)
      place = shapes.get(shape) ?? shapes.size + 1
      shapes.set(shape, place)
    }
    before = call
    list += isLease ? `${place}:${callId} ` : `${place} `
  }
  return { keys, args: [list, ...shapes.keys()] }
}

function shapeOf({ request: { session, windows }, purpose }: Asked): string {
  let shape = `${session === null ? 0 : 1} ${purposes[purpose]}`
  for (const { policy, quota, cost, isShadow } of windows) {
    shape += `\n${specificationOf(policy, isShadow)} ${quota} ${cost}`
  }
  return shape
}

/** Whether their shapes are the same. */
function isAlike({ request, purpose }: Asked, other: Asked): boolean {
  if (purpose !== other.purpose || (request.session === null) !== (other.request.session === null))
    return false
  const { windows } = request
  const others = other.request.windows
  if (windows.length !== others.length) return false
  for (let i = 0; i < windows.length; i++) {
    const one = windows[i] as WindowRequest
    const two = others[i] as WindowRequest
    if (one.policy !== two.policy || one.isShadow !== two.isShadow) return false
    if (one.quota !== two.quota || one.cost !== two.cost) return false
  }
  return true
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
    const written = (shadow: 0 | 1): string =>
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
    known = { enforced: written(0), shadow: written(1) }
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

/** One text for the whole batch: numbers apart cost the client a quarter of all it spends on a call. */
function decode({ windows }: AdmissionRequest, reply: readonly string[], at: number): Admission {
  const status = reply[at]
  if (status === '0') return { kind: 'session-ended' }
  const states = windows.map(
    (request, i): WindowState => stateOf(request, reply, at + 1 + numbersPerWindow * i),
  )
  if (status === '1') return { kind: 'allowed', windows: states }
  return { kind: 'denied', windows: states, retryAfterMs: retryAfterMs(states) }
}

function stateOf(request: WindowRequest, reply: readonly string[], at: number): WindowState {
  return {
    request,
    hasRoom: reply[at] === '1',
    isBanned: reply[at + 1] === '1',
    quota: Number(reply[at + 2]),
    remaining: Number(reply[at + 3]),
    resetMs: Number(reply[at + 4]) / 1000,
    receipt: Number(reply[at + 5]),
  }
}
