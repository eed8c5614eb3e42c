import { RecentMap } from '../recent-map.ts'
import { type AdmissionRequest, isViolated, type WindowRequest, type WindowState } from './admission.ts'
import type { Decision } from './decision.ts'
import type { LimitNewsChannel } from './limit-news.ts'

type Denied = Extract<Decision, { kind: 'denied' }>

interface KnownDenial {
  readonly windows: readonly WindowState[]
  /** When the states were true, and until when the call cannot be admitted. */
  readonly atMs: number
  readonly untilMs: number
}

export interface DenialMemoryOptions {
  readonly news: LimitNewsChannel
  /** Denials kept; each takes some 300 bytes. */
  readonly size?: number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

export interface DenialMemory extends Disposable {
  /** The denial that the store would give again, or null when it has to be asked. */
  recall(request: AdmissionRequest): Denied | null
  /** To be taken before the store is asked, and handed to `remember` with its answer. */
  moment(): number
  remember(request: AdmissionRequest, denial: Denied, moment: number): void
  /** Forgets everything: the store has contradicted what was remembered. */
  clear(): void
}

/**
 * Denials that need no store: until the first instant at which the call could be admitted, nothing but
 * news can change them. While news may be missed nothing is recalled.
 */
export function createDenialMemory(options: DenialMemoryOptions): DenialMemory {
  const { news, size = 10_000, now = () => performance.now() } = options
  /** By all subjects of the call, since these vary most; then there is one for each route and quota, few. */
  const denials = new RecentMap<string, readonly KnownDenial[]>(size)
  /** The keys of denials of calls with other subjects too. */
  const subjects = new RecentMap<string, Set<string>>(size)
  let moment = 0
  /** When news last said that a subject has more room; so that an answer older than it is not believed. */
  const loosened = new RecentMap<string, number>(size)
  let missedAt = 0

  const stop = news.listen((heard) => {
    moment++
    if (heard.kind === 'missed') {
      missedAt = moment
      denials.clear()
    } else if (heard.kind === 'loosened') {
      loosened.set(heard.subject, moment)
      denials.delete(heard.subject)
      for (const key of subjects.get(heard.subject) ?? []) denials.delete(key)
      subjects.delete(heard.subject)
    }
  })

  return {
    recall(request) {
      if (denials.size === 0 || !news.isLive()) return null
      const known = find(denials.get(subjectsOf(request)), request)
      if (known === undefined) return null
      const at = now()
      if (at >= known.untilMs) return null
      const passedMs = at - known.atMs
      const windows = known.windows.map((window) => passed(window, passedMs))
      return { kind: 'denied', tier: 'memory', windows, retryAfterMs: known.untilMs - at }
    },

    moment: () => moment,

    remember(request, { windows, retryAfterMs }, asked) {
      if (!windows.every(isForeseeable) || missedAt > asked) return
      if (windows.some(({ request: { subject } }) => (loosened.get(subject) ?? 0) > asked)) return
      const key = subjectsOf(request)
      const atMs = now()
      const others = (denials.get(key) ?? []).filter(
        (denial) => atMs < denial.untilMs && !isOf(denial, request),
      )
      denials.set(key, [...others, { windows, atMs, untilMs: atMs + retryAfterMs }])
      for (const {
        request: { subject },
      } of windows) {
        if (subject === key) continue
        const keys = subjects.get(subject) ?? new Set()
        keys.add(key)
        subjects.set(subject, keys)
      }
    },

    clear() {
      moment++
      missedAt = moment
      denials.clear()
    },

    [Symbol.dispose]: stop,
  }
}

/** Whether the denial stays as it is however often the caller asks, and until a time that is known. */
function isForeseeable(window: WindowState): boolean {
  const { policy } = window.request
  if (policy.countsDenied) return false
  if (policy.ban !== null && !window.isBanned) return false
  return !(isViolated(window) && policy.algorithm === 'concurrent')
}

/** Its own time aside, a denial stays as it is. Written out: this is done for every known denial. */
function passed(window: WindowState, ms: number): WindowState {
  const { request, hasRoom, isBanned, quota, remaining, resetMs, receipt } = window
  return { request, hasRoom, isBanned, quota, remaining, resetMs: Math.max(0, resetMs - ms), receipt }
}

function find(denials: readonly KnownDenial[] = [], request: AdmissionRequest): KnownDenial | undefined {
  for (const denial of denials) if (isOf(denial, request)) return denial
  return undefined
}

/** Not so once the configuration was read again: its policies are others. */
function isOf({ windows }: KnownDenial, request: AdmissionRequest): boolean {
  if (windows.length !== request.windows.length) return false
  for (let i = 0; i < windows.length; i++) {
    const one = (windows[i] as WindowState).request
    const other = request.windows[i] as WindowRequest
    if (one.policy !== other.policy || one.bucket !== other.bucket) return false
    if (one.subject !== other.subject || one.cost !== other.cost || one.quota !== other.quota) return false
  }
  return true
}

/** Most often there is but one. */
function subjectsOf({ windows }: AdmissionRequest): string {
  let subjects = ''
  let last = ''
  for (const { subject } of windows) {
    if (subject === last) continue
    subjects = subjects === '' ? subject : `${subjects}\n${subject}`
    last = subject
  }
  return subjects
}
