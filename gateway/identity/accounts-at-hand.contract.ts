import type { Account } from './account.ts'
import type { Accounts, NewAccount } from './accounts.ts'

/** A home of the accounts, empty at first. */
export interface AccountsAtHand extends AsyncDisposable {
  readonly accounts: Accounts
}

export const someone = (email: string, more: Partial<NewAccount> = {}): NewAccount => ({
  firstName: 'Ada',
  lastName: 'Lovelace',
  email,
  passwordHash: '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA',
  role: 'user',
  ...more,
})

export async function create(
  accounts: Accounts,
  email: string,
  more: Partial<NewAccount> = {},
): Promise<Account> {
  const created = await accounts.create(someone(email, more))
  if (created.kind !== 'created') throw new Error(`${email} is taken`)
  return created.account
}
