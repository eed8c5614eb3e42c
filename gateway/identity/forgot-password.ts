import type { Language } from '../page.ts'
import type { AccountLinks } from './account-links.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { Codes } from './codes.ts'
import type { Mails } from './mails/mail.ts'
import { codeLifetimeMs, type OneTimeCodes, ownerWithoutAccount } from './one-time-code.ts'

export interface ForgotPasswordDependencies {
  readonly accounts: Pick<Accounts, 'findByEmail'>
  readonly codes: Pick<Codes, 'issue'>
  readonly oneTimeCodes: OneTimeCodes
  readonly mails: Mails
  readonly links: Pick<AccountLinks, 'reset'>
  readonly now: () => number
}

/**
 * Mails a code for a new password to the owner of an active account. For an unknown address and a disabled
 * account a code is kept all the same, sent to nobody, so that all take the same time.
 *
 * @param email normalised
 * @throws GatewayError `store-unavailable`
 */
export async function forgotPassword(
  { accounts, codes, oneTimeCodes, mails, links, now }: ForgotPasswordDependencies,
  email: string,
  language: Language,
): Promise<void> {
  const found = await askStore(accounts.findByEmail(email))
  const account = found?.account.isActive === true ? found.account : null
  const owner = account?.id ?? ownerWithoutAccount(email)
  const { code, codeHash } = oneTimeCodes.mint('password-reset', owner)
  const issuedAtMs = now()
  const issue = await askStore(
    codes.issue({
      purpose: 'password-reset',
      owner,
      codeHash,
      payload: {},
      issuedAtMs,
      expiresAtMs: issuedAtMs + codeLifetimeMs,
    }),
  )
  if (account === null || issue.kind === 'too-many') return
  const { firstName } = account
  mails.send({ email, firstName, language }, { kind: 'password-reset', code, link: links.reset(email, code) })
}
