import type { Language } from '../page.ts'
import type { Account } from './account.ts'
import type { AccountLinks } from './account-links.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { Codes } from './codes.ts'
import { takeEvenTime } from './even-answers.ts'
import { forgetCodes } from './forget-codes.ts'
import type { Mails } from './mails/mail.ts'
import { codeLifetimeMs, type OneTimeCodes } from './one-time-code.ts'
import { type ProvePasswordDependencies, provePassword } from './prove-password.ts'

export interface RequestEmailChangeDependencies extends ProvePasswordDependencies {
  readonly accounts: Pick<Accounts, 'findByEmail'>
  readonly codes: Pick<Codes, 'issue'>
  readonly oneTimeCodes: OneTimeCodes
  readonly mails: Mails
  readonly links: Pick<AccountLinks, 'login' | 'forgot' | 'confirmEmail'>
  readonly evenTimeMs?: number
  readonly now: () => number
}

export interface EmailChange {
  readonly account: Account
  /** Normalised. */
  readonly email: string
  readonly currentPassword: string
  readonly language: Language
}

/** `pending` says not whether the address was free: its owner learns that by mail. */
type IssueOutcome = { readonly kind: 'pending' } | { readonly kind: 'too-many' }

export type RequestEmailChangeOutcome = IssueOutcome | { readonly kind: 'wrong' }

/**
 * Mails a code to the address that the account is to have, once its owner has proved the password.
 *
 * @throws GatewayError `store-unavailable`, `overloaded`, `too-many-attempts`
 */
export async function requestEmailChange(
  deps: RequestEmailChangeDependencies,
  change: EmailChange,
): Promise<RequestEmailChangeOutcome> {
  const proof = await provePassword(deps, change.account, change.currentPassword)
  // Only what depends on the new address may not tell by its time: the password is the asker's own.
  return proof.kind === 'wrong' ? proof : takeEvenTime(() => issueCode(deps, change), deps.evenTimeMs)
}

/** Of a taken address a code is kept all the same, sent to nobody, so that both take the same time. */
async function issueCode(
  { accounts, codes, oneTimeCodes, mails, links, now }: RequestEmailChangeDependencies,
  { account: { id, firstName }, email, language }: EmailChange,
): Promise<IssueOutcome> {
  const found = await askStore(accounts.findByEmail(email))
  const { code, codeHash } = oneTimeCodes.mint('email-change', id)
  const issuedAtMs = now()
  const issue = await askStore(
    codes.issue({
      purpose: 'email-change',
      owner: id,
      codeHash,
      payload: { email },
      issuedAtMs,
      expiresAtMs: issuedAtMs + codeLifetimeMs,
    }),
  )
  if (issue.kind === 'too-many') return issue
  if (found === null) {
    mails.send({ email, firstName, language }, { kind: 'email-change', code, link: links.confirmEmail(code) })
  } else {
    mails.send(
      { email, firstName: found.account.firstName, language },
      { kind: 'already-registered', loginLink: links.login(), resetLink: links.forgot(email) },
    )
  }
  return { kind: 'pending' }
}

export interface ConfirmEmailChangeDependencies {
  readonly accounts: Pick<Accounts, 'update'>
  readonly codes: Pick<Codes, 'spend' | 'forget'>
  readonly oneTimeCodes: OneTimeCodes
  /** Null where no mails are sent. */
  readonly mails: Mails | null
  readonly now: () => number
}

/** `wrong` says not why: wrong, expired, spent, tried too often, or of an address that is taken by now. */
export type ConfirmEmailChangeOutcome =
  | { readonly kind: 'changed'; readonly account: Account }
  | { readonly kind: 'wrong' }

/**
 * Gives the account the address that the code was sent to, and tells the one it had.
 *
 * @throws GatewayError `store-unavailable`: the code may then be spent, and one asks again
 */
export async function confirmEmailChange(
  { accounts, codes, oneTimeCodes, mails, now }: ConfirmEmailChangeDependencies,
  { id, email: oldEmail, firstName }: Account,
  typedCode: string,
  language: Language,
): Promise<ConfirmEmailChangeOutcome> {
  const codeHash = oneTimeCodes.hash('email-change', id, typedCode)
  if (codeHash === null) return { kind: 'wrong' }
  const trial = await askStore(codes.spend('email-change', id, codeHash, now()))
  if (trial.kind === 'wrong' || trial.payload.email === undefined) return { kind: 'wrong' }
  const newEmail = trial.payload.email
  const update = await askStore(accounts.update(id, { email: newEmail }))
  if (update.kind !== 'updated') return { kind: 'wrong' }
  mails?.send({ email: oldEmail, firstName, language }, { kind: 'email-changed', newEmail })
  // One for a new password may still be on its way to the address that was given up.
  await forgetCodes(codes, id)
  return { kind: 'changed', account: update.account }
}
