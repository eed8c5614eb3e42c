import type { Account } from './account.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import { describeDevice } from './describe-device.ts'
import { formatRefreshToken, hashRefreshSecret, newRefreshSecret, newSessionId } from './refresh-token.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

/** What a session gives to its owner. */
export interface SessionTokens {
  readonly account: Account
  readonly accessToken: string
  readonly refreshToken: string
}

export interface OpenedSession extends SessionTokens {
  readonly sessionId: string
}

/** From where somebody connects, as the list of their sessions will tell it. */
export interface Whereabouts {
  readonly address: string
  /** As the client sent it. */
  readonly userAgent: string | undefined
}

export interface OpenSessionDependencies {
  readonly accounts: Pick<Accounts, 'recordLogin'>
  readonly sessions: Pick<Sessions, 'open'>
  readonly tokens: Pick<Tokens, 'issueAccessToken'>
  readonly sessionLifetimeMs: number
  readonly idleLifetimeMs: number
  readonly now: () => number
  /** Told of what failed without failing the login. */
  readonly warn: (problem: string, cause: unknown) => void
}

/**
 * Opens a session with an id of its own for whoever has proved to own the account, and counts the login.
 *
 * @throws GatewayError `store-unavailable`
 */
export async function openSession(
  deps: OpenSessionDependencies,
  account: Account,
  { address, userAgent }: Whereabouts,
): Promise<OpenedSession> {
  const nowMs = deps.now()
  const [sessionId, secret] = [newSessionId(), newRefreshSecret()]
  const session = {
    sessionId,
    accountId: account.id,
    refreshHash: hashRefreshSecret(secret),
    device: describeDevice(userAgent),
    address,
  }
  const { sessionLifetimeMs: lifetimeMs, idleLifetimeMs } = deps
  await askStore(deps.sessions.open(session, { lifetimeMs, idleLifetimeMs }))
  const accessToken = await deps.tokens.issueAccessToken(account, sessionId, nowMs)
  try {
    await deps.accounts.recordLogin(account.id, nowMs)
  } catch (cause) {
    deps.warn('a login was not counted', cause)
  }
  return {
    account,
    sessionId,
    accessToken,
    refreshToken: formatRefreshToken({ accountId: account.id, sessionId, secret }),
  }
}
