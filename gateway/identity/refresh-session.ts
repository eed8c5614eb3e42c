import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { SessionTokens } from './log-in.ts'
import { formatRefreshToken, hashRefreshSecret, newRefreshSecret, readRefreshToken } from './refresh-token.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

/** `ended`: the token is no good, whatever the reason; only a new login helps. */
export type RefreshOutcome = ({ readonly kind: 'refreshed' } & SessionTokens) | { readonly kind: 'ended' }

export interface RefreshDependencies {
  readonly accounts: Pick<Accounts, 'findById'>
  readonly sessions: Pick<Sessions, 'isAlive' | 'rotate' | 'endAll'>
  readonly tokens: Pick<Tokens, 'issueAccessToken'>
  readonly now: () => number
}

/**
 * Exchanges a refresh token for a new pair; a token that comes twice ends its session.
 *
 * @throws GatewayError `store-unavailable`, before the token is spent if it can be helped
 */
export async function refreshSession(
  deps: RefreshDependencies,
  refreshToken: string,
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
  const secret = newRefreshSecret()
  const rotation = await askStore(
    deps.sessions.rotate(accountId, sessionId, hashRefreshSecret(token.secret), hashRefreshSecret(secret)),
  )
  if (rotation.kind !== 'rotated') return { kind: 'ended' }
  const accessToken = await deps.tokens.issueAccessToken(account, sessionId, deps.now())
  return {
    kind: 'refreshed',
    account,
    accessToken,
    refreshToken: formatRefreshToken({ accountId, sessionId, secret }),
  }
}
