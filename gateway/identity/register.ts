import type { Language } from '../page.ts'
import type { AccountLinks } from './account-links.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { Codes } from './codes.ts'
import { type CreateAccountInput, type FieldProblems, readNewAccount } from './create-account.ts'
import type { Mails } from './mails/mail.ts'
import { codeLifetimeMs, type OneTimeCodes } from './one-time-code.ts'
import type { PasswordHashing } from './password-hashing.ts'

export interface RegisterDependencies {
  readonly accounts: Pick<Accounts, 'findByEmail'>
  readonly hashing: Pick<PasswordHashing, 'hashPassword'>
  readonly codes: Pick<Codes, 'issue'>
  readonly oneTimeCodes: OneTimeCodes
  readonly mails: Mails
  readonly links: AccountLinks
  readonly now: () => number
}

export interface Registration
  extends Pick<CreateAccountInput, 'firstName' | 'lastName' | 'email' | 'password'> {
  readonly language: Language
}

/** `accepted` says not whether the address was free: its owner learns that by mail. */
export type RegisterOutcome =
  | { readonly kind: 'accepted'; readonly email: string }
  | { readonly kind: 'invalid'; readonly problems: FieldProblems }

/**
 * Keeps what was typed until the code from the mail comes back; there is no account before. A free, a pending
 * and a taken address take the same way and the same time. A later registration of an address replaces
 * the one before, so that the newest code goes with the newest password.
 *
 * @throws GatewayError `store-unavailable` or `overloaded`
 */
export async function register(
  deps: RegisterDependencies,
  registration: Registration,
): Promise<RegisterOutcome> {
  const reading = readNewAccount(registration)
  if (reading.kind === 'invalid') return reading
  const { firstName, lastName, email } = reading
  const { language } = registration

  const passwordHash = await deps.hashing.hashPassword(registration.password)
  const found = await askStore(deps.accounts.findByEmail(email))
  const { code, codeHash } = deps.oneTimeCodes.mint('registration', email)
  const issuedAtMs = deps.now()
  const issue = await askStore(
    deps.codes.issue({
      purpose: 'registration',
      owner: email,
      codeHash,
      // Of a taken address a code is kept that nobody gets to know and that opens nothing.
      payload: found === null ? { firstName, lastName, passwordHash } : {},
      issuedAtMs,
      expiresAtMs: issuedAtMs + codeLifetimeMs,
    }),
  )
  if (issue.kind === 'too-many') return { kind: 'accepted', email }
  if (found === null) {
    deps.mails.send(
      { email, firstName, language },
      { kind: 'activation', code, link: deps.links.activate(email, code) },
    )
  } else {
    deps.mails.send(
      { email, firstName: found.account.firstName, language },
      { kind: 'already-registered', loginLink: deps.links.login(), resetLink: deps.links.forgot(email) },
    )
  }
  return { kind: 'accepted', email }
}
