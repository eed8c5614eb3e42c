import {
  type AdmissionRequest,
  type AdmissionStore,
  nextFreeMs,
  type Settlement,
  type WindowRequest,
  type WindowState,
} from './admission.ts'
import type { Decision } from './decision.ts'
import { createDenialMemory } from './denials.ts'
import type { LimitNewsChannel } from './limit-news.ts'
import { createLoneDecisions } from './lone-decisions.ts'
import { createSettlementQueue } from './settlements.ts'
import { createStoreBreaker } from './store-breaker.ts'

export interface LimiterOptions {
  readonly store: AdmissionStore
  /** The windows of this process, for policies that say `local`. */
  readonly local: AdmissionStore
  readonly news: LimitNewsChannel
  /** How many gateways share the store; while it is away each gives out its part of a quota. */
  readonly instances: number
  /** Resolves when the store answers. */
  readonly probe: () => Promise<unknown>
  readonly probeIntervalMs?: number
  readonly failuresToGoAway?: number
  readonly storeChanged: (isUp: boolean, reason: unknown) => void
  readonly storeAnswered: (durationMs: number) => void
  readonly storeFailed: (error: unknown) => void
}

export interface Limiter extends AsyncDisposable {
  /**
   * Never rejects because of the store. A session is presumed alive while nobody can tell. A known denial
   * comes at once, without a promise.
   */
  decide(request: AdmissionRequest): Decision | Promise<Decision>
  /** As `decide`, counting nothing. */
  look(request: AdmissionRequest): Promise<Decision>
  /** As the store's, of a window that `look` has just answered; the next place alone when it cannot tell. */
  timeline(looked: Decision, window: WindowState, most: number): Promise<readonly number[]>
  /** What an admitted call gives back or still owes, off the hot path. */
  settle(decision: Decision, settlement: Settlement): void
  /** These three reach the store or reject. Every gateway forgets what it remembered of the subject. */
  reset(window: WindowRequest): Promise<void>
  boost(window: WindowRequest, quota: number, forMs: number): Promise<void>
  boostLeftMs(window: WindowRequest): Promise<number>
  loosened(subject: string): Promise<void>
  isStoreUp(): boolean
}

/** A known denial is believed while the store has been heard this recently; else one call asks it again. */
const heardWithinMs = 250

/** And one known denial in this time is asked again all the same: a store that was emptied tells nobody. */
const recheckEveryMs = 1_000

/** Known denials from memory, all else from the store, and while it is away what each policy says. */
export function createLimiter(options: LimiterOptions): Limiter {
  const { store, local, news } = options
  const memory = createDenialMemory({ news })
  let heardAtMs = Number.NEGATIVE_INFINITY
  let recheckAtMs = Number.NEGATIVE_INFINITY
  const alone = createLoneDecisions({ local, instances: options.instances })
  const settlements = createSettlementQueue({
    store,
    settled({ act, window }) {
      if (act.kind === 'refund') void loosened(window.request.subject).catch(options.storeFailed)
    },
  })
  const breaker = createStoreBreaker({
    probe: async () => {
      await options.probe()
      // Before anyone is admitted by it again, so that its windows are true.
      await alone.replayTo(store)
    },
    changed(isUp, reason) {
      if (!isUp) news.renew()
      options.storeChanged(isUp, reason)
    },
    ...(options.probeIntervalMs === undefined ? {} : { probeIntervalMs: options.probeIntervalMs }),
    ...(options.failuresToGoAway === undefined ? {} : { failuresToGoAway: options.failuresToGoAway }),
  })

  const loosened = (subject: string): Promise<void> => news.publish({ kind: 'loosened', subject })

  function heard(askedAtMs: number): void {
    heardAtMs = performance.now()
    options.storeAnswered(heardAtMs - askedAtMs)
    breaker.succeeded()
  }

  function failed(error: unknown, askedAtMs: number): void {
    options.storeFailed(error)
    breaker.failed(error, askedAtMs)
  }

  async function admit(request: AdmissionRequest, wasKnown: boolean, askedAtMs: number): Promise<Decision> {
    const moment = memory.moment()
    let decision: Decision
    try {
      decision = { ...(await store.admit(request)), tier: 'store' }
      heard(askedAtMs)
    } catch (error) {
      failed(error, askedAtMs)
      return alone.decide(request)
    }
    // The store was emptied, or another one has taken its place, and nobody told.
    if (wasKnown && decision.kind !== 'denied') memory.clear()
    if (decision.kind === 'denied') {
      memory.remember(request, decision, moment)
      if (recheckAtMs <= askedAtMs) recheckAtMs = askedAtMs + recheckEveryMs
    }
    return decision
  }

  async function look(request: AdmissionRequest): Promise<Decision> {
    const askedAtMs = performance.now()
    try {
      const admission = await store.look(request)
      heard(askedAtMs)
      return { ...admission, tier: 'store' }
    } catch (error) {
      failed(error, askedAtMs)
      return alone.look(request)
    }
  }

  return {
    decide(request) {
      const known = memory.recall(request)
      const nowMs = performance.now()
      if (known !== null && nowMs - heardAtMs < heardWithinMs && nowMs < recheckAtMs) return known
      if (!breaker.isUp()) return alone.decide(request)
      // One call of many, so that a wrong memory goes without everybody asking.
      recheckAtMs = Math.max(recheckAtMs, known === null ? 0 : nowMs + recheckEveryMs)
      return admit(request, known !== null, nowMs)
    },
    look: (request) => (breaker.isUp() ? look(request) : alone.look(request)),
    async timeline({ tier }, window, most) {
      try {
        return await (tier === 'degraded' ? local : store).timeline(window, most)
      } catch (error) {
        options.storeFailed(error)
        return nextFreeMs(window)
      }
    },
    settle({ tier }, settlement) {
      if (tier === 'degraded') void local.settle([settlement])
      else settlements.add(settlement)
    },
    async reset(window) {
      await store.reset(window)
      await local.reset(window)
      await loosened(window.subject)
    },
    async boost(window, quota, forMs) {
      await store.boost(window, quota, forMs)
      await loosened(window.subject)
    },
    boostLeftMs: (window) => store.boostLeftMs(window),
    loosened,
    isStoreUp: breaker.isUp,
    async [Symbol.asyncDispose]() {
      breaker[Symbol.dispose]()
      memory[Symbol.dispose]()
      await settlements[Symbol.asyncDispose]()
    },
  }
}
