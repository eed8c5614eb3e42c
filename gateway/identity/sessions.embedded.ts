import type { Session, Sessions } from './sessions.ts'

export interface EmbeddedSessionsOptions {
  /** Epoch milliseconds; the system's clock by default. */
  readonly now?: () => number
  /** Told of an account whose session has been ended before its time. */
  readonly ended?: (accountId: string) => void
}

/** Sessions of one process; a restart ends them all. */
export interface EmbeddedSessions extends Sessions {
  /** As `isAlive`, at once: the embedded admission asks it on every call. */
  isAliveNow(accountId: string, sessionId: string): boolean
}

interface KeptSession {
  refreshHash: string
  readonly expiresAtMs: number
}

/** Expired sessions that each new one looks for, so that memory follows use and no login pays for all. */
const looksPerOpening = 8

export function createEmbeddedSessions({
  now = Date.now,
  ended = () => {},
}: EmbeddedSessionsOptions = {}): EmbeddedSessions {
  const accounts = new Map<string, Map<string, KeptSession>>()
  let sweep = expiredOnes()

  function find(accountId: string, sessionId: string): KeptSession | null {
    const kept = accounts.get(accountId)?.get(sessionId)
    return kept !== undefined && kept.expiresAtMs > now() ? kept : null
  }

  function forget(accountId: string, sessionId: string): void {
    const ofAccount = accounts.get(accountId)
    ofAccount?.delete(sessionId)
    if (ofAccount?.size === 0) accounts.delete(accountId)
  }

  /** Goes round once, one session a step. A Map may change while it is walked. */
  function* expiredOnes(): Generator<void> {
    for (const [accountId, ofAccount] of accounts) {
      for (const sessionId of ofAccount.keys()) {
        if (find(accountId, sessionId) === null) forget(accountId, sessionId)
        yield
      }
    }
  }

  function sweepSome(): void {
    for (let look = 0; look < looksPerOpening; look++) {
      if (!sweep.next().done) continue
      sweep = expiredOnes()
      return
    }
  }

  function living(): number {
    let count = 0
    for (const ofAccount of accounts.values()) {
      for (const { expiresAtMs } of ofAccount.values()) if (expiresAtMs > now()) count++
    }
    return count
  }

  return {
    isAliveNow: (accountId, sessionId) => find(accountId, sessionId) !== null,
    async isAlive(accountId, sessionId) {
      return find(accountId, sessionId) !== null
    },
    async open({ accountId, sessionId, refreshHash }: Session, lifetimeMs) {
      sweepSome()
      const ofAccount = accounts.get(accountId) ?? new Map<string, KeptSession>()
      ofAccount.set(sessionId, { refreshHash, expiresAtMs: now() + lifetimeMs })
      accounts.set(accountId, ofAccount)
    },
    async rotate(accountId, sessionId, presentedHash, nextHash) {
      const session = find(accountId, sessionId)
      if (session === null) return { kind: 'session-ended' }
      if (session.refreshHash === presentedHash) {
        session.refreshHash = nextHash
        return { kind: 'rotated' }
      }
      forget(accountId, sessionId)
      ended(accountId)
      return { kind: 'reused' }
    },
    async end(accountId, sessionId) {
      forget(accountId, sessionId)
      ended(accountId)
    },
    async endAll(accountId) {
      const ids = [...(accounts.get(accountId)?.keys() ?? [])]
      const alive = ids.filter((id) => find(accountId, id) !== null).length
      accounts.delete(accountId)
      ended(accountId)
      return alive
    },
    async count() {
      return living()
    },
  }
}
