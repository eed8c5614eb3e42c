import { delayAfter, forgottenAfterMs, type LoginDelays } from './login-delays.ts'

export interface EmbeddedLoginDelaysOptions {
  /** Monotonic milliseconds. */
  readonly now?: () => number
  /** Subjects remembered at most; the one that has been quiet longest goes first. */
  readonly mostSubjects?: number
}

interface Attempts {
  readonly count: number
  readonly lastAtMs: number
}

/** Failed attempts in this process. */
export function createEmbeddedLoginDelays({
  now = () => performance.now(),
  mostSubjects = 100_000,
}: EmbeddedLoginDelaysOptions = {}): LoginDelays {
  // In the order of their last attempts.
  const subjects = new Map<string, Attempts>()

  function sweep(nowMs: number): void {
    for (const [subject, { lastAtMs }] of subjects) {
      if (subjects.size <= mostSubjects && nowMs - lastAtMs < forgottenAfterMs) return
      subjects.delete(subject)
    }
  }

  return {
    async begin(subject, rule) {
      const nowMs = now()
      sweep(nowMs)
      const { count, lastAtMs } = subjects.get(subject) ?? { count: 0, lastAtMs: nowMs }
      const waitMs = Math.ceil(lastAtMs + delayAfter(count, rule) - nowMs)
      if (waitMs > 0) return waitMs
      subjects.delete(subject)
      subjects.set(subject, { count: count + 1, lastAtMs: nowMs })
      sweep(nowMs)
      return 0
    },
    async takeBack(subject) {
      const attempts = subjects.get(subject)
      if (attempts === undefined) return
      if (attempts.count > 1) subjects.set(subject, { ...attempts, count: attempts.count - 1 })
      else subjects.delete(subject)
    },
    async forget(subject) {
      subjects.delete(subject)
    },
  }
}
