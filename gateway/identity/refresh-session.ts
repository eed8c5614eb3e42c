import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { SessionTokens } from './open-session.ts'
import {
  formatRefreshToken,
  hashRefreshSecret,
  type RefreshToken,
  readRefreshToken,
} from './refresh-token.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

/** `ended`: the token is no good, whatever the reason; only a new login helps. */
export type RefreshOutcome = ({ readonly kind: 'refreshed' } & SessionTokens) | { readonly kind: 'ended' }

export interface RefreshDependencies {
  readonly accounts: Pick<Accounts, 'findById'>
  readonly sessions: Pick<Sessions, 'isAlive' | 'rotate' | 'endAll'>
  readonly tokens: Pick<Tokens, 'issueAccessToken'>
  /** The secret that follows this token's. */
  readonly succeed: (token: RefreshToken) => string
  readonly idleLifetimeMs: number
  readonly refreshGraceMs: number
  readonly now: () => number
}

/**
 * Exchanges a refresh token for a new pair. The token before the current one gets the pair of that
 * exchange again, within the grace; any older one ends its session.
 *
 * @throws GatewayError `store-unavailable`, before the token is spent if it can be helped
 */
export async function refreshSession(
  deps: RefreshDependencies,
  refreshToken: string,
  { address }: { readonly address: string },
): Promise<RefreshOutcome> {
  const token = readRefreshToken(refreshToken)
  if (token === null) return { kind: 'ended' }
  const { accountId, sessionId } = token
  // Both stores are asked before the secret is exchanged: a refusal of theirs must not cost the session.
  if (!(await askStore(deps.sessions.isAlive(accountId, sessionId)))) return { kind: 'ended' }
  const account = await askStore(deps.accounts.findById(accountId))
  if (account === null || !account.isActive) {
    await askStore(deps.sessions.endAll(accountId))
    return { kind: 'ended' }
  }
  const secret = deps.succeed(token)
  const issuedAtMs = deps.now()
  const rotation = await askStore(
    deps.sessions.rotate(
      {
        accountId,
        sessionId,
        presentedHash: hashRefreshSecret(token.secret),
        nextHash: hashRefreshSecret(secret),
        issuedAtMs,
        address,
      },
      { idleLifetimeMs: deps.idleLifetimeMs, graceMs: deps.refreshGraceMs },
    ),
  )
  if (rotation.kind !== 'rotated' && rotation.kind !== 'replayed') return { kind: 'ended' }
  // Ed25519 signs the same text the same way: issued for the same instant, a replay's access token is the first's.
  const accessToken = await deps.tokens.issueAccessToken(
    account,
    sessionId,
    rotation.kind === 'replayed' ? rotation.issuedAtMs : issuedAtMs,
  )
  return {
    kind: 'refreshed',
    account,
    accessToken,
    refreshToken: formatRefreshToken({ accountId, sessionId, secret }),
  }
}
