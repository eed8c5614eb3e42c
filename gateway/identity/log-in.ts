import type { Accounts, AccountWithPassword } from './accounts.ts'
import { askStore } from './ask-store.ts'
import { normaliseEmail } from './email.ts'
import type { BeginAttempt } from './login-attempt.ts'
import {
  type OpenSessionDependencies,
  openSession,
  type SessionTokens,
  type Whereabouts,
} from './open-session.ts'
import type { PasswordHashing, PasswordVerdict } from './password-hashing.ts'
import type { Sessions } from './sessions.ts'

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
  readonly sessions: Pick<Sessions, 'open' | 'end'>
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
  const { sessionId, ...tokens } = await openSession(deps, account, whereabouts)
  if (!(await holdsStill(deps, checked, password))) {
    await askStore(deps.sessions.end(account.id, sessionId))
    return { kind: 'refused' }
  }
  if (verdict.needsRehash) await rehash(deps, checked, password)
  return { kind: 'logged-in', ...tokens }
}

type CheckedAccount = AccountWithPassword & { readonly verdict: Extract<PasswordVerdict, { kind: 'right' }> }

/** Null when the password opens nothing. */
async function check(
  { accounts, hashing }: LogInDependencies,
  email: string | null,
  password: string,
): Promise<CheckedAccount | null> {
  const found = email === null ? null : await askStore(accounts.findByEmail(email))
  const verdict =
    found === null
      ? await hashing.verifyAgainstNothing(password)
      : await hashing.verifyPassword(found.storedPassword, password)
  if (found === null || verdict.kind === 'wrong' || !found.account.isActive) return null
  return { ...found, verdict }
}

/**
 * Whoever disables an account, or changes its password or role, ends its sessions after that. This one may have
 * opened later still, on what was read before; so the account is read once more.
 */
async function holdsStill(
  { accounts, hashing }: LogInDependencies,
  { account, storedPassword }: CheckedAccount,
  password: string,
): Promise<boolean> {
  const found = await askStore(accounts.findByEmail(account.email))
  if (found === null || found.account.id !== account.id) return false
  if (!found.account.isActive || found.account.role !== account.role) return false
  if (found.storedPassword === storedPassword) return true
  // Another login may have rehashed it.
  return (await hashing.verifyPassword(found.storedPassword, password)).kind === 'right'
}

/** Good to have done, and no reason to send anyone away when it cannot be. */
async function rehash(
  { accounts, hashing, warn }: LogInDependencies,
  { account, storedPassword }: CheckedAccount,
  password: string,
): Promise<void> {
  try {
    const passwordHash = await hashing.hashPassword(password)
    // Not over a password that was changed meanwhile.
    await accounts.setPasswordHash(account.id, passwordHash, storedPassword)
  } catch (cause) {
    warn('a password is still stored in its old form', cause)
  }
}
