import { askStore } from './ask-store.ts'
import { readRefreshToken } from './refresh-token.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

export interface LogOutDependencies {
  readonly sessions: Pick<Sessions, 'end'>
  readonly tokens: Pick<Tokens, 'verifyAccessToken'>
}

export interface PresentedTokens {
  readonly accessTokens: readonly string[]
  readonly refreshTokens: readonly string[]
}

/**
 * Ends every session that the caller holds a token of; without one there is nothing to do. The secret
 * of a refresh token is not compared, since a wrong one would end the session all the same.
 *
 * @throws GatewayError `store-unavailable`: the sessions may then still be alive
 */
export async function logOut(
  { sessions, tokens }: LogOutDependencies,
  { accessTokens, refreshTokens }: PresentedTokens,
): Promise<void> {
  const verifications = await Promise.all(accessTokens.map((raw) => tokens.verifyAccessToken(raw)))
  const held = [
    ...verifications.flatMap((verification) => {
      if (verification.kind === 'invalid' || verification.caller.sessionId === null) return []
      return { accountId: verification.caller.accountId, sessionId: verification.caller.sessionId }
    }),
    ...refreshTokens.flatMap((raw) => readRefreshToken(raw) ?? []),
  ]
  await Promise.all(held.map(({ accountId, sessionId }) => askStore(sessions.end(accountId, sessionId))))
}
