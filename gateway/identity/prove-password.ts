import type { Account } from './account.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import { attempts, type BeginAttempt } from './login-attempt.ts'
import type { LoginDelays } from './login-delays.ts'
import type { PasswordHashing } from './password-hashing.ts'

export interface ProvePasswordDependencies {
  readonly accounts: Pick<Accounts, 'findByEmail'>
  readonly hashing: Pick<PasswordHashing, 'verifyPassword'>
  /** The delays of failed logins: here too somebody may be guessing, with a session that was left open. */
  readonly beginAttempt: BeginAttempt
}

export type PasswordProof =
  | { readonly kind: 'right'; readonly storedPassword: string }
  | { readonly kind: 'wrong' }

/**
 * Whether whoever holds a session of the account knows its password too.
 *
 * @throws GatewayError `store-unavailable`, `overloaded`, or what `beginAttempt` threw
 */
export async function provePassword(
  { accounts, hashing, beginAttempt }: ProvePasswordDependencies,
  { id, email }: Account,
  password: string,
): Promise<PasswordProof> {
  const attempt = await beginAttempt(email)
  try {
    const found = await askStore(accounts.findByEmail(email))
    // The address may have gone to somebody else since the session was looked up.
    if (found?.account.id !== id) return { kind: 'wrong' }
    const { storedPassword } = found
    const verdict = await hashing.verifyPassword(storedPassword, password)
    if (verdict.kind === 'wrong') return { kind: 'wrong' }
    await attempt.succeeded(email)
    return { kind: 'right', storedPassword }
  } catch (error) {
    await attempt.dropped()
    throw error
  }
}

export interface ProofAttemptsOptions {
  readonly loginDelays: LoginDelays
  readonly networkOf: (address: string) => string
}

/** A proof waits as failed logins do, but is no login: it takes no place of their limits. */
export const proofAttemptsFrom = (
  { loginDelays, networkOf }: ProofAttemptsOptions,
  address: string,
): BeginAttempt =>
  attempts({ admit: async () => async () => undefined, delays: loginDelays, network: networkOf(address) })
