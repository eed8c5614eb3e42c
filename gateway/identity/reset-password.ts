import type { Language } from '../page.ts'
import type { AccountLinks } from './account-links.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { Codes } from './codes.ts'
import { passwordProblem } from './create-account.ts'
import { normaliseEmail } from './email.ts'
import { endSessionsAfter } from './end-sessions.ts'
import { forgetCodes } from './forget-codes.ts'
import type { Mails } from './mails/mail.ts'
import { type OneTimeCodes, ownerWithoutAccount } from './one-time-code.ts'
import type { PasswordHashing } from './password-hashing.ts'
import type { Sessions } from './sessions.ts'

export interface ResetPasswordDependencies {
  readonly accounts: Pick<Accounts, 'findByEmail' | 'setPasswordHash'>
  readonly codes: Pick<Codes, 'spend' | 'forget'>
  readonly oneTimeCodes: OneTimeCodes
  readonly hashing: Pick<PasswordHashing, 'hashPassword'>
  readonly sessions: Pick<Sessions, 'endAll'>
  readonly mails: Mails
  readonly links: Pick<AccountLinks, 'forgot'>
  readonly now: () => number
}

export interface PasswordReset {
  readonly email: string
  readonly code: string
  /** The new one, exactly as typed. */
  readonly password: string
  readonly language: Language
}

export type ResetPasswordOutcome =
  | { readonly kind: 'reset' }
  /** Wrong, expired, spent, tried too often, or of no active account: nobody may learn which. */
  | { readonly kind: 'wrong' }
  /** A sentence about the new password; the code was not looked at. */
  | { readonly kind: 'invalid'; readonly problem: string }

/**
 * Gives an account the new password and ends all of its sessions. The password is hashed first, whatever the
 * code: the answer takes the same time, and a full queue spends no code.
 *
 * @throws GatewayError `store-unavailable` or `overloaded`
 */
export async function resetPassword(
  deps: ResetPasswordDependencies,
  { email, code, password, language }: PasswordReset,
): Promise<ResetPasswordOutcome> {
  // Of the owner only what was typed: their names would tell that there is an account.
  const problem = passwordProblem(password, { email })
  if (problem !== null) return { kind: 'invalid', problem }
  const passwordHash = await deps.hashing.hashPassword(password)

  const reading = normaliseEmail(email)
  if (reading.kind === 'invalid') return { kind: 'wrong' }
  const found = await askStore(deps.accounts.findByEmail(reading.email))
  const account = found?.account.isActive === true ? found.account : null
  const owner = account?.id ?? ownerWithoutAccount(reading.email)
  const codeHash = deps.oneTimeCodes.hash('password-reset', owner, code)
  if (codeHash === null) return { kind: 'wrong' }
  const trial = await askStore(deps.codes.spend('password-reset', owner, codeHash, deps.now()))
  if (trial.kind === 'wrong' || account === null) return { kind: 'wrong' }

  await askStore(deps.accounts.setPasswordHash(account.id, passwordHash))
  deps.mails.send(
    { email: account.email, firstName: account.firstName, language },
    { kind: 'password-changed', resetLink: deps.links.forgot(account.email) },
  )
  // Whoever was in could have asked for another e-mail.
  await forgetCodes(deps.codes, account.id)
  await endSessionsAfter(
    deps.sessions,
    account.id,
    'The password is changed, but sessions opened before could not be ended. Ask for a new code and set it again.',
  )
  return { kind: 'reset' }
}
