import type { Language } from '../page.ts'
import type { AccountLinks } from './account-links.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { Codes } from './codes.ts'
import { normaliseEmail } from './email.ts'
import type { Mails } from './mails/mail.ts'
import { codeLifetimeMs, type OneTimeCodes } from './one-time-code.ts'

export interface ActivateDependencies {
  readonly accounts: Pick<Accounts, 'create'>
  readonly codes: Pick<Codes, 'spend'>
  readonly oneTimeCodes: OneTimeCodes
  readonly now: () => number
}

/** `wrong` says not why: wrong, expired, spent, tried too often, or of an address that has an account by now. */
export type ActivateOutcome = { readonly kind: 'activated' } | { readonly kind: 'wrong' }

/**
 * Creates the account that the code was sent for. However often the code comes at the same instant, there is
 * one account.
 *
 * @throws GatewayError `store-unavailable`: the code may then be spent, and one registers again
 */
export async function activate(
  { accounts, codes, oneTimeCodes, now }: ActivateDependencies,
  typed: { readonly email: string; readonly code: string },
): Promise<ActivateOutcome> {
  const reading = normaliseEmail(typed.email)
  if (reading.kind === 'invalid') return { kind: 'wrong' }
  const { email } = reading
  const codeHash = oneTimeCodes.hash('registration', email, typed.code)
  if (codeHash === null) return { kind: 'wrong' }

  const trial = await askStore(codes.spend('registration', email, codeHash, now()))
  if (trial.kind === 'wrong') return { kind: 'wrong' }
  const { firstName, lastName, passwordHash } = trial.payload
  if (firstName === undefined || lastName === undefined || passwordHash === undefined) {
    return { kind: 'wrong' }
  }
  const created = await askStore(accounts.create({ firstName, lastName, email, passwordHash, role: 'user' }))
  return created.kind === 'created' ? { kind: 'activated' } : { kind: 'wrong' }
}

export interface ResendDependencies {
  readonly codes: Pick<Codes, 'renew'>
  readonly oneTimeCodes: OneTimeCodes
  readonly mails: Mails
  readonly links: Pick<AccountLinks, 'activate'>
  readonly now: () => number
}

/**
 * Sends a new code for the registration that waits at this address; the one before is worth nothing then.
 * Nobody learns whether one waits: both ways take the same time.
 *
 * @param email normalised
 * @throws GatewayError `store-unavailable`
 */
export async function resendActivation(
  { codes, oneTimeCodes, mails, links, now }: ResendDependencies,
  email: string,
  language: Language,
): Promise<void> {
  const { code, codeHash } = oneTimeCodes.mint('registration', email)
  const issuedAtMs = now()
  const renewal = await askStore(
    codes.renew({
      purpose: 'registration',
      owner: email,
      codeHash,
      issuedAtMs,
      expiresAtMs: issuedAtMs + codeLifetimeMs,
    }),
  )
  if (renewal.kind !== 'renewed') return
  const { firstName } = renewal.payload
  if (firstName === undefined) return
  mails.send({ email, firstName, language }, { kind: 'activation', code, link: links.activate(email, code) })
}
