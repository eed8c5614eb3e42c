import type { Language } from '../page.ts'
import type { Account } from './account.ts'
import type { AccountLinks } from './account-links.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { Codes } from './codes.ts'
import { passwordProblem } from './create-account.ts'
import { endSessionsAfter } from './end-sessions.ts'
import { forgetCodes } from './forget-codes.ts'
import type { Mails } from './mails/mail.ts'
import type { PasswordHashing } from './password-hashing.ts'
import { type ProvePasswordDependencies, provePassword } from './prove-password.ts'
import type { Sessions } from './sessions.ts'

export interface ChangePasswordDependencies extends ProvePasswordDependencies {
  readonly accounts: Pick<Accounts, 'findByEmail' | 'setPasswordHash'>
  readonly hashing: Pick<PasswordHashing, 'verifyPassword' | 'hashPassword'>
  readonly codes: Pick<Codes, 'forget'>
  readonly sessions: Pick<Sessions, 'endAll'>
  /** Null where no mails are sent. */
  readonly mails: Mails | null
  readonly links: Pick<AccountLinks, 'forgot'>
}

export interface PasswordChange {
  readonly account: Account
  /** The one that asks, which goes on. */
  readonly sessionId: string
  readonly currentPassword: string
  /** Both exactly as typed. */
  readonly newPassword: string
  readonly language: Language
}

export type ChangePasswordOutcome =
  | { readonly kind: 'changed' }
  /** The current password is another one, or became one meanwhile. */
  | { readonly kind: 'wrong' }
  /** A sentence about the new password; the current one was not looked at. */
  | { readonly kind: 'invalid'; readonly problem: string }

/**
 * Gives an account a new password and ends its other sessions.
 *
 * @throws GatewayError `store-unavailable`, `overloaded`, `too-many-attempts`
 */
export async function changePassword(
  deps: ChangePasswordDependencies,
  { account, sessionId, currentPassword, newPassword, language }: PasswordChange,
): Promise<ChangePasswordOutcome> {
  const problem = passwordProblem(newPassword, account)
  if (problem !== null) return { kind: 'invalid', problem }
  const proof = await provePassword(deps, account, currentPassword)
  if (proof.kind === 'wrong') return { kind: 'wrong' }
  const passwordHash = await deps.hashing.hashPassword(newPassword)
  const { id, email, firstName } = account
  const isSet = await askStore(deps.accounts.setPasswordHash(id, passwordHash, proof.storedPassword))
  if (!isSet) return { kind: 'wrong' }
  deps.mails?.send(
    { email, firstName, language },
    { kind: 'password-changed', resetLink: deps.links.forgot(email) },
  )
  await forgetCodes(deps.codes, id)
  await endSessionsAfter(
    deps.sessions,
    id,
    'The password is changed, but your other sessions could not be ended. End them with DELETE /auth/sessions in a moment.',
    { except: sessionId },
  )
  return { kind: 'changed' }
}
