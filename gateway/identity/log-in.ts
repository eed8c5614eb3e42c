import type { Account } from './account.ts'
import type { Accounts, AccountWithPassword } from './accounts.ts'
import { askStore } from './ask-store.ts'
import { normaliseEmail } from './email.ts'
import type { PasswordHashing, PasswordVerdict } from './password-hashing.ts'
import { formatRefreshToken, hashRefreshSecret, newRefreshSecret, newSessionId } from './refresh-token.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

export interface Credentials {
  readonly email: string
  /** Exactly as typed. */
  readonly password: string
}

/** What a session gives to its owner. */
export interface SessionTokens {
  readonly account: Account
  readonly accessToken: string
  readonly refreshToken: string
}

/** `refused` says not why: nobody may learn from it which accounts exist. */
export type LogInOutcome = ({ readonly kind: 'logged-in' } & SessionTokens) | { readonly kind: 'refused' }

export interface LogInDependencies {
  readonly accounts: Pick<Accounts, 'findByEmail' | 'setPasswordHash' | 'recordLogin'>
  readonly hashing: PasswordHashing
  readonly sessions: Pick<Sessions, 'open'>
  readonly tokens: Pick<Tokens, 'issueAccessToken'>
  readonly sessionLifetimeMs: number
  readonly now: () => number
  /** Told of what failed without failing the login. */
  readonly warn: (problem: string, cause: unknown) => void
  /** Asks the limits on logins; rejects when they say no. Takes the e-mail as the accounts know it. */
  readonly admit: (email: string) => Promise<unknown>
}

/**
 * Checks the password and opens a session with an id of its own. An unknown e-mail, a wrong password
 * and a disabled account take the same way and the same time.
 *
 * @throws GatewayError `store-unavailable`, `overloaded`, or what `admit` threw
 */
export async function logIn(
  deps: LogInDependencies,
  { email, password }: Credentials,
): Promise<LogInOutcome> {
  const reading = normaliseEmail(email)
  await deps.admit(reading.kind === 'email' ? reading.email : email)
  const found = reading.kind === 'email' ? await askStore(deps.accounts.findByEmail(reading.email)) : null
  const verdict =
    found === null
      ? await deps.hashing.verifyAgainstNothing(password)
      : await deps.hashing.verifyPassword(found.storedPassword, password)
  if (found === null || verdict.kind === 'wrong' || !found.account.isActive) return { kind: 'refused' }

  const { account } = found
  const nowMs = deps.now()
  const [sessionId, secret] = [newSessionId(), newRefreshSecret()]
  const session = {
    sessionId,
    accountId: account.id,
    refreshHash: hashRefreshSecret(secret),
    openedAtMs: nowMs,
  }
  await askStore(deps.sessions.open(session, deps.sessionLifetimeMs))
  const accessToken = await deps.tokens.issueAccessToken(account, sessionId, nowMs)
  await writeDown(deps, found, verdict, password, nowMs)
  const refreshToken = formatRefreshToken({ accountId: account.id, sessionId, secret })
  return { kind: 'logged-in', account, accessToken, refreshToken }
}

/** What is good to have kept, and no reason to send anyone away when it cannot be. */
async function writeDown(
  { accounts, hashing, warn }: LogInDependencies,
  { account }: AccountWithPassword,
  verdict: Extract<PasswordVerdict, { kind: 'right' }>,
  password: string,
  nowMs: number,
): Promise<void> {
  try {
    await accounts.recordLogin(account.id, nowMs)
  } catch (cause) {
    warn('a login was not counted', cause)
  }
  if (!verdict.needsRehash) return
  try {
    await accounts.setPasswordHash(account.id, await hashing.hashPassword(password))
  } catch (cause) {
    warn('a password is still stored in its old form', cause)
  }
}
