import type { Accounts, AccountWithPassword } from './accounts.ts'
import { askStore } from './ask-store.ts'
import { normaliseEmail } from './email.ts'
import type { BeginAttempt } from './login-attempt.ts'
import { type OpenSessionDependencies, openSession, type SessionTokens, type Whereabouts } from './open-session.ts'
import type { PasswordHashing, PasswordVerdict } from './password-hashing.ts'

export type { SessionTokens } from './open-session.ts'

export interface Credentials {
  readonly email: string
  /** Exactly as typed. */
  readonly password: string
}

/** `refused` says not why: nobody may learn from it which accounts exist. */
export type LogInOutcome = ({ readonly kind: 'logged-in' } & SessionTokens) | { readonly kind: 'refused' }

export interface LogInDependencies extends OpenSessionDependencies {
  readonly accounts: Pick<Accounts, 'findByEmail' | 'setPasswordHash' | 'recordLogin'>
  readonly hashing: PasswordHashing
  /** Rejects when the attempt may not go on to the password. Takes the e-mail as the accounts know it. */
  readonly beginAttempt: BeginAttempt
}

/**
 * Checks the password and opens a session with an id of its own. An unknown e-mail, a wrong password
 * and a disabled account take the same way and the same time.
 *
 * @throws GatewayError `store-unavailable`, `overloaded`, or what `beginAttempt` threw
 */
export async function logIn(
  deps: LogInDependencies,
  { email, password }: Credentials,
  whereabouts: Whereabouts,
): Promise<LogInOutcome> {
  const reading = normaliseEmail(email)
  const attempt = await deps.beginAttempt(reading.kind === 'email' ? reading.email : email)
  const checked = await check(deps, reading.kind === 'email' ? reading.email : null, password).catch(
    async (error) => {
      await attempt.dropped()
      throw error
    },
  )
  if (checked === null) return { kind: 'refused' }
  const { account, verdict } = checked
  await attempt.succeeded(account.email)
  const tokens = await openSession(deps, account, whereabouts)
  if (verdict.needsRehash) await rehash(deps, account.id, password)
  return { kind: 'logged-in', ...tokens }
}

/** Null when the password opens nothing. */
async function check(
  { accounts, hashing }: LogInDependencies,
  email: string | null,
  password: string,
): Promise<(AccountWithPassword & { readonly verdict: Extract<PasswordVerdict, { kind: 'right' }> }) | null> {
  const found = email === null ? null : await askStore(accounts.findByEmail(email))
  const verdict =
    found === null
      ? await hashing.verifyAgainstNothing(password)
      : await hashing.verifyPassword(found.storedPassword, password)
  if (found === null || verdict.kind === 'wrong' || !found.account.isActive) return null
  return { ...found, verdict }
}

/** Good to have done, and no reason to send anyone away when it cannot be. */
async function rehash(
  { accounts, hashing, warn }: LogInDependencies,
  accountId: string,
  password: string,
): Promise<void> {
  try {
    await accounts.setPasswordHash(accountId, await hashing.hashPassword(password))
  } catch (cause) {
    warn('a password is still stored in its old form', cause)
  }
}
