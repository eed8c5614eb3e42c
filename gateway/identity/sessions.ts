/** A session at its login. The secret is kept as SHA-256, base64url. */
export interface NewSession {
  readonly sessionId: string
  readonly accountId: string
  readonly refreshHash: string
  /** As `describeDevice` has it; null: unknown. */
  readonly device: string | null
  readonly address: string
}

export interface SessionLifetimes {
  /** From the login on, however much the session is used. */
  readonly lifetimeMs: number
  /** From its last use on: the login or a rotation. */
  readonly idleLifetimeMs: number
}

/** The exchange of a refresh secret for the one that follows it; hashes as the session keeps them. */
export interface RotationRequest {
  readonly accountId: string
  readonly sessionId: string
  readonly presentedHash: string
  /** Follows from the presented secret alone, so that the same predecessor always names the same successor. */
  readonly nextHash: string
  /** From when the new access token counts, by the clock of the gateway that asks. */
  readonly issuedAtMs: number
  /** Where the caller is now. */
  readonly address: string
}

export interface RotationTimes {
  readonly idleLifetimeMs: number
  /** How long the predecessor of the current secret gets the same answer again; 0: never. */
  readonly graceMs: number
}

export type Rotation =
  | { readonly kind: 'rotated' }
  /** The predecessor came once more within the grace: nothing changed, the pair of `issuedAtMs` is still the one. */
  | { readonly kind: 'replayed'; readonly issuedAtMs: number }
  /** The presented secret is an old one: used before, by its owner or a thief, so the session has been ended. */
  | { readonly kind: 'reused' }
  | { readonly kind: 'session-ended' }

/** A live session as its owner sees it; times are epoch milliseconds by the store's clock. */
export interface ListedSession {
  readonly sessionId: string
  readonly device: string | null
  /** Of its last use; null in a session older than the keeping of addresses. */
  readonly address: string | null
  readonly openedAtMs: number
  readonly lastSeenAtMs: number
  /** When it ends unless it is used before. */
  readonly expiresAtMs: number
}

/** One login more ends the session that would have expired first, so that no list grows without end. */
export const mostSessionsPerAccount = 50

/**
 * The sessions, in Redis under the caller's hash tag (`sessions.redis.ts`, so that the admission script
 * sees them) or in process (`sessions.embedded.ts`). A session that has expired or ended is gone.
 * Every method rejects when the store cannot answer within its deadline.
 */
export interface Sessions {
  open(session: NewSession, lifetimes: SessionLifetimes): Promise<void>
  isAlive(accountId: string, sessionId: string): Promise<boolean>
  /** One step, decided by the store's clock, whatever comes at the same time. */
  rotate(request: RotationRequest, times: RotationTimes): Promise<Rotation>
  /** The live sessions of the account, the one opened last first. */
  list(accountId: string): Promise<ListedSession[]>
  /** Whether there was such a session. */
  end(accountId: string, sessionId: string): Promise<boolean>
  /** Ends every session of the account, one excepted if it is named, and says how many were alive. */
  endAll(accountId: string, options?: { readonly except?: string }): Promise<number>
  /** How many sessions are alive, all accounts together. */
  count(): Promise<number>
}
