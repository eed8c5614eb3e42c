/** What a session store remembers. Secrets are kept as SHA-256, base64url. */
export interface Session {
  readonly sessionId: string
  readonly accountId: string
  readonly refreshHash: string
  readonly openedAtMs: number
}

export type Rotation =
  | { readonly kind: 'rotated' }
  /** The presented secret is not the current one: it was used before, so the session has been ended. */
  | { readonly kind: 'reused' }
  | { readonly kind: 'session-ended' }

/**
 * The sessions, in Redis under the caller's hash tag (`sessions.redis.ts`, so that the admission script
 * sees them) or in process (`sessions.embedded.ts`). A session that has expired or ended is gone.
 * Every method rejects when the store cannot answer within its deadline.
 */
export interface Sessions {
  /** Keeps the session for `lifetimeMs`, then forgets it. */
  open(session: Session, lifetimeMs: number): Promise<void>
  isAlive(accountId: string, sessionId: string): Promise<boolean>
  /** Replaces the refresh hash when `presentedHash` is the current one; anything else ends the session. */
  rotate(accountId: string, sessionId: string, presentedHash: string, nextHash: string): Promise<Rotation>
  end(accountId: string, sessionId: string): Promise<void>
  /** Ends every session of the account and says how many there were. */
  endAll(accountId: string): Promise<number>
  /** How many sessions are alive, all accounts together. */
  count(): Promise<number>
}
