import { type ListedSession, mostSessionsPerAccount, type NewSession, type Sessions } from './sessions.ts'

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

interface KeptSession extends Pick<NewSession, 'device'> {
  address: string
  refreshHash: string
  /** Of the last rotation; null before the first. */
  rotation: { readonly atMs: number; readonly issuedAtMs: number } | null
  lastSeenAtMs: number
  expiresAtMs: number
  readonly openedAtMs: number
  /** However much it is used. */
  readonly endsAtMs: number
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

  function living(accountId: string): [sessionId: string, KeptSession][] {
    const nowMs = now()
    return [...(accounts.get(accountId) ?? [])].filter(([, { expiresAtMs }]) => expiresAtMs > nowMs)
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

  function makeRoom(accountId: string): void {
    const alive = living(accountId).sort(([, one], [, other]) => one.expiresAtMs - other.expiresAtMs)
    for (const [sessionId] of alive.slice(0, Math.max(0, alive.length + 1 - mostSessionsPerAccount))) {
      forget(accountId, sessionId)
      ended(accountId)
    }
  }

  return {
    isAliveNow: (accountId, sessionId) => find(accountId, sessionId) !== null,
    async isAlive(accountId, sessionId) {
      return find(accountId, sessionId) !== null
    },
    async open({ accountId, sessionId, ...session }, { lifetimeMs, idleLifetimeMs }) {
      sweepSome()
      makeRoom(accountId)
      const nowMs = now()
      const ofAccount = accounts.get(accountId) ?? new Map<string, KeptSession>()
      ofAccount.set(sessionId, {
        ...session,
        rotation: null,
        openedAtMs: nowMs,
        lastSeenAtMs: nowMs,
        expiresAtMs: nowMs + Math.min(lifetimeMs, idleLifetimeMs),
        endsAtMs: nowMs + lifetimeMs,
      })
      accounts.set(accountId, ofAccount)
    },
    async rotate(request, { graceMs, idleLifetimeMs }) {
      const { accountId, sessionId, presentedHash, nextHash, issuedAtMs, address } = request
      const session = find(accountId, sessionId)
      if (session === null) return { kind: 'session-ended' }
      const nowMs = now()
      const { refreshHash, rotation, endsAtMs } = session
      if (refreshHash === presentedHash) {
        Object.assign(session, {
          address,
          refreshHash: nextHash,
          rotation: { atMs: nowMs, issuedAtMs },
          lastSeenAtMs: nowMs,
          expiresAtMs: Math.min(nowMs + idleLifetimeMs, endsAtMs),
        } satisfies Partial<KeptSession>)
        return { kind: 'rotated' }
      }
      if (refreshHash === nextHash && rotation !== null && nowMs - rotation.atMs < graceMs) {
        return { kind: 'replayed', issuedAtMs: rotation.issuedAtMs }
      }
      forget(accountId, sessionId)
      ended(accountId)
      return { kind: 'reused' }
    },
    async list(accountId) {
      return living(accountId)
        .map(([sessionId, session]) => listedSession(sessionId, session))
        .sort((one, other) => other.openedAtMs - one.openedAtMs)
    },
    async end(accountId, sessionId) {
      const wasAlive = find(accountId, sessionId) !== null
      forget(accountId, sessionId)
      ended(accountId)
      return wasAlive
    },
    async endAll(accountId, { except } = {}) {
      const others = living(accountId).filter(([sessionId]) => sessionId !== except)
      for (const [sessionId] of others) forget(accountId, sessionId)
      ended(accountId)
      return others.length
    },
    async count() {
      let count = 0
      for (const accountId of accounts.keys()) count += living(accountId).length
      return count
    },
  }
}

function listedSession(sessionId: string, kept: KeptSession): ListedSession {
  const { device, address, openedAtMs, lastSeenAtMs, expiresAtMs } = kept
  return { sessionId, device, address, openedAtMs, lastSeenAtMs, expiresAtMs }
}
