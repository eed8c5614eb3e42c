import {
  type Admission,
  type AdmissionRequest,
  type AdmissionStore,
  retryAfterMs,
  type WindowRequest,
  type WindowState,
} from './admission.ts'
import { count, emptyLog, lookAt, newest, type WindowLog } from './sliding-window.ts'

interface KeptLog {
  readonly log: WindowLog
  readonly windowMs: number
}

export interface EmbeddedAdmissionOptions {
  readonly isSessionAlive: (accountId: string, sessionId: string) => boolean
  /** Milliseconds on a clock that need not be the wall's. */
  readonly now: () => number
}

/** Admission within one process: the same arithmetic as the script, for one gateway alone. */
export function createEmbeddedAdmission(options: EmbeddedAdmissionOptions): AdmissionStore {
  const logs = new Map<string, KeptLog>()

  function logOf({ policy, subject }: WindowRequest): WindowLog {
    const key = `${policy.name} ${subject}`
    const log = logs.get(key)?.log ?? emptyLog()
    logs.set(key, { log, windowMs: policy.windowMs })
    return log
  }

  /** Each call pays for looking at a few logs, in turn, so that memory follows use. */
  function forgetEmptyLogs(now: number, looks: number): void {
    for (const [key, kept] of logs) {
      if (looks-- === 0) return
      logs.delete(key)
      const last = newest(kept.log)
      if (last !== undefined && last > now - kept.windowMs) logs.set(key, kept)
    }
  }

  function admitNow({ windows }: AdmissionRequest): Admission {
    const now = options.now()
    forgetEmptyLogs(now, windows.length + 1)
    const looks = windows.map((window) => {
      const log = logOf(window)
      return { log, policy: window.policy, ...lookAt(log, now, window.policy.quota, window.policy.windowMs) }
    })
    const isAllowed = looks.every((look) => look.hasRoom)
    const states = looks.map(({ log, policy, hasRoom, remaining, reset }): WindowState => {
      if (!isAllowed) return { policy, hasRoom, remaining, resetMs: reset }
      count(log, now)
      return { policy, hasRoom, remaining: remaining - 1, resetMs: reset === 0 ? policy.windowMs : reset }
    })
    if (isAllowed) return { kind: 'allowed', windows: states }
    return { kind: 'denied', windows: states, retryAfterMs: retryAfterMs(states) }
  }

  return {
    async admit(request) {
      const { session } = request
      if (session !== null && !options.isSessionAlive(session.accountId, session.sessionId)) {
        return { kind: 'session-ended' }
      }
      return admitNow(request)
    },
  }
}
