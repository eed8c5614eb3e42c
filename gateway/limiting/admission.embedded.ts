import { type Adjustment, countDenial, noAdjustment } from './adjustment.ts'
import {
  type Admission,
  type AdmissionRequest,
  type AdmissionStore,
  nextFreeMs,
  retryAfterMs,
  type WindowRequest,
  type WindowState,
} from './admission.ts'
import { createGcra } from './gcra.ts'
import type { Meter, MeterLimit } from './meter.ts'
import type { Algorithm } from './policy.ts'
import { createRunningCalls } from './running-calls.ts'
import { createSlidingCounter } from './sliding-counter.ts'
import { createSlidingWindow } from './sliding-window.ts'

const createMeter: Readonly<Record<Algorithm, () => Meter>> = {
  log: createSlidingWindow,
  counter: createSlidingCounter,
  gcra: createGcra,
  concurrent: createRunningCalls,
}

interface Kept {
  readonly meter: Meter
  readonly adjustment: Adjustment
  limit: MeterLimit
  /** Settlements that were made, so that none is made twice. */
  readonly settled: Set<string>
}

export interface EmbeddedAdmissionOptions {
  readonly isSessionAlive: (accountId: string, sessionId: string) => boolean
  /** Milliseconds on a clock that need not be the wall's. */
  readonly now: () => number
  /** Told of a subject that has just used its last place. */
  readonly exhausted?: (subject: string) => void
}

interface Looked {
  readonly kept: Kept
  readonly request: WindowRequest
  readonly hasRoom: boolean
  isBanned: boolean
  free: number
  reset: number
  receipt: number
}

/** Admission within one process: the same arithmetic as the script, for one gateway alone. */
export function createEmbeddedAdmission(options: EmbeddedAdmissionOptions): AdmissionStore {
  const windows = new Map<string, Kept>()
  const clock = (): number => Math.round(options.now() * 1000)

  function keptOf({ policy, bucket, subject, quota }: WindowRequest, now: number): Kept {
    const key = `${bucket} ${subject}`
    let kept = windows.get(key)
    if (kept === undefined) {
      const meter = createMeter[policy.algorithm]()
      kept = { meter, adjustment: noAdjustment(), limit: noLimit, settled: new Set() }
      windows.set(key, kept)
    }
    const { adjustment } = kept
    const effective = adjustment.quotaUntil > now ? adjustment.quota : quota
    if (kept.limit.quota !== effective || kept.limit.window !== policy.windowMs * 1000) {
      kept.limit = {
        quota: effective,
        window: policy.windowMs * 1000,
        burst: Math.min(policy.burst, effective),
      }
    }
    return kept
  }

  /** Each call pays for looking at a few windows, in turn, so that memory follows use. */
  function forgetIdle(now: number, looks: number): void {
    for (const [key, kept] of windows) {
      if (looks-- === 0) return
      const { quotaUntil, bannedUntil, bans, denialsSince } = kept.adjustment
      const isAdjusted = Math.max(quotaUntil, bannedUntil) > now || (bans > 0 && denialsSince > now - day)
      windows.delete(key)
      if (isAdjusted || !kept.meter.isIdle(now, kept.limit)) windows.set(key, kept)
    }
  }

  function lookAt(request: WindowRequest, now: number): Looked {
    const kept = keptOf(request, now)
    const { bannedUntil } = kept.adjustment
    if (bannedUntil > now) {
      return { kept, request, hasRoom: false, isBanned: true, free: 0, reset: bannedUntil - now, receipt: 0 }
    }
    const { free, reset } = kept.meter.look(now, kept.limit, request.cost)
    return { kept, request, hasRoom: free >= request.cost, isBanned: false, free, reset, receipt: 0 }
  }

  function count(looked: Looked, now: number, callId: string): void {
    const { kept, request } = looked
    looked.receipt = kept.meter.take(now, kept.limit, request.cost, callId)
    looked.free -= request.cost
    if (looked.free <= 0 && !request.isShadow) options.exhausted?.(request.subject)
    if (looked.reset === 0) looked.reset = firstReset(request, kept.limit)
  }

  function countDenied(looked: Looked, now: number): void {
    const { kept, request } = looked
    const { policy, cost } = request
    if (policy.countsDenied && policy.algorithm !== 'concurrent') {
      kept.meter.take(now, kept.limit, cost, '')
      // The oldest goes for the newest: denials do not make a log grow.
      kept.meter.keepNewest?.(Math.max(kept.limit.quota, cost))
      looked.reset = kept.meter.look(now, kept.limit, cost).reset
    }
    if (policy.ban === null || looked.isBanned) return
    const banFor = countDenial(kept.adjustment, policy.ban, now, kept.limit.window)
    if (banFor > 0) Object.assign(looked, { reset: banFor, isBanned: true, free: 0 })
  }

  function decide(request: AdmissionRequest, isCounting: boolean): Admission {
    const { session } = request
    if (session !== null && !options.isSessionAlive(session.accountId, session.sessionId)) {
      return { kind: 'session-ended' }
    }
    const now = clock()
    if (isCounting) forgetIdle(now, request.windows.length + 1)
    const looks = request.windows.map((window) => lookAt(window, now))
    const isAllowed = looks.every((looked) => looked.hasRoom || looked.request.isShadow)
    for (const looked of isCounting ? looks : []) {
      if (isAllowed && looked.hasRoom) count(looked, now, request.callId)
      else if (!isAllowed && !looked.hasRoom && !looked.request.isShadow) countDenied(looked, now)
    }
    const states = looks.map(stateOf)
    if (isAllowed) return { kind: 'allowed', windows: states }
    return { kind: 'denied', windows: states, retryAfterMs: retryAfterMs(states) }
  }

  return {
    admit: async (request) => decide(request, true),
    look: async (request) => decide(request, false),
    async timeline(window, most) {
      const now = clock()
      const { meter, limit } = keptOf(window.request, now)
      if (window.isBanned || meter.timeline === undefined) return nextFreeMs(window)
      return meter.timeline(now, limit, most).map((time) => time / 1000)
    },
    async settle(settlements) {
      const now = clock()
      for (const { window, callId, act } of settlements) {
        const { meter, limit, settled } = keptOf(window.request, now)
        const { cost } = window.request
        if (act.kind === 'release') {
          meter.giveBack(now, limit, cost, window.receipt, callId)
          continue
        }
        const mark = `${act.kind} ${callId}`
        if (settled.has(mark)) continue
        settled.add(mark)
        if (settled.size > 100) settled.delete(settled.values().next().value as string)
        if (act.kind === 'refund') meter.giveBack(now, limit, cost, window.receipt, callId)
        else meter.take(now, limit, act.places, `${callId}+`)
      }
    },
    async replay(calls) {
      const now = clock()
      for (const { window, agoMs } of calls) {
        const { meter, limit } = keptOf(window, now)
        const at = Math.round(now - agoMs * 1000)
        if (at > now - limit.window) meter.insert(at, limit, window.cost)
      }
    },
    async reset({ bucket, subject }) {
      windows.delete(`${bucket} ${subject}`)
    },
    async boost(window, quota, forMs) {
      const now = clock()
      Object.assign(keptOf(window, now).adjustment, { quota, quotaUntil: now + forMs * 1000 })
    },
    async boostLeftMs({ bucket, subject }) {
      const { quotaUntil = 0 } = windows.get(`${bucket} ${subject}`)?.adjustment ?? {}
      return Math.max(0, quotaUntil - clock()) / 1000
    },
  }
}

const day = 86_400_000_000
const noLimit: MeterLimit = { quota: 0, window: 0, burst: 0 }

function firstReset({ policy }: WindowRequest, { window, quota }: MeterLimit): number {
  if (policy.algorithm === 'gcra') return Math.ceil(window / quota)
  return policy.algorithm === 'concurrent' ? 1_000_000 : window
}

const stateOf = ({ request, kept, hasRoom, isBanned, free, reset, receipt }: Looked): WindowState => ({
  request,
  hasRoom,
  isBanned,
  quota: kept.limit.quota,
  remaining: free,
  resetMs: reset / 1000,
  receipt,
})
