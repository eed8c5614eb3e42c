import { randomBytes } from 'node:crypto'
import { type Account, accountNumber } from './account.ts'
import type { AccountRemoval, AccountSearch, Accounts, AccountWithLastLogin } from './accounts.ts'
import { askStore } from './ask-store.ts'
import { readAccountChanges, type TypedChanges } from './change-account.ts'
import type { Codes } from './codes.ts'
import {
  type CreateAccountInput,
  type CreateAccountResult,
  createAccount,
  type FieldProblems,
} from './create-account.ts'
import { endSessionsAfter } from './end-sessions.ts'
import { forgetCodes } from './forget-codes.ts'
import type { PasswordHashing } from './password-hashing.ts'
import { removeAccount } from './remove-account.ts'
import type { ListedSession, Sessions } from './sessions.ts'

/** Awaited once all is known to be right, before anything is changed; what it throws stops the change. */
export type Beforehand = () => Promise<void>

export type NewAccountByAdministrator = Omit<CreateAccountInput, 'password'> & { readonly password?: string }

export type CreationByAdministrator =
  /** `password` is the one that was made up, which nobody can read again; null when one was given. */
  | { readonly kind: 'created'; readonly account: Account; readonly password: string | null }
  | Exclude<CreateAccountResult, { kind: 'created' }>

export type ChangeByAdministrator =
  | { readonly kind: 'changed'; readonly account: Account }
  | { readonly kind: 'invalid'; readonly problems: FieldProblems }
  | { readonly kind: 'email-taken' }
  | { readonly kind: 'unknown' }

/** Everybody's accounts and sessions, for whoever may change them. Methods reject with a GatewayError. */
export interface AccountAdministration {
  search(search: AccountSearch): Promise<AccountWithLastLogin[]>
  find(id: string): Promise<AccountWithLastLogin | null>
  /** Active at once. `beforehand` takes the e-mail as the accounts know it. */
  create(
    typed: NewAccountByAdministrator,
    beforehand: (email: string) => Promise<void>,
  ): Promise<CreationByAdministrator>
  /** Another role or password, and the end of the right to log in, end all sessions on every gateway. */
  change(id: string, typed: TypedChanges, beforehand: Beforehand): Promise<ChangeByAdministrator>
  remove(id: string): Promise<AccountRemoval>
  sessions(id: string): Promise<ListedSession[]>
  /** False when there is no such session. */
  endSession(id: string, sessionId: string): Promise<boolean>
  /** Says how many there were. */
  endSessions(id: string): Promise<number>
}

export interface AccountAdministrationOptions {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly codes: Pick<Codes, 'forget'>
  readonly hashing: PasswordHashing
}

export function createAccountAdministration(options: AccountAdministrationOptions): AccountAdministration {
  const { accounts, sessions, codes, hashing } = options
  return {
    search: (search) => askStore(accounts.search(search)),
    find: (id) => askStore(accounts.findWithLastLogin(id)),

    async create(typed, beforehand) {
      const generated = typed.password === undefined ? randomBytes(15).toString('base64url') : null
      const noted: Pick<Accounts, 'create'> = {
        async create(account) {
          await beforehand(account.email)
          return askStore(accounts.create(account))
        },
      }
      const password = typed.password ?? generated ?? ''
      const result = await createAccount({ accounts: noted, hashing }, { ...typed, password })
      return result.kind === 'created' ? { ...result, password: generated } : result
    },

    async change(id, typed, beforehand) {
      const reading = readAccountChanges(typed)
      if (reading.kind === 'invalid') return reading
      const { changes, password } = reading
      if ((await askStore(accounts.findById(id))) === null) return { kind: 'unknown' }
      const passwordHash = password === null ? null : await hashing.hashPassword(password)
      await beforehand()
      const update = await askStore(accounts.update(id, changes))
      if (update.kind !== 'updated') return update
      if (passwordHash !== null) await askStore(accounts.setPasswordHash(id, passwordHash))
      const { account } = update
      const locksOut = passwordHash !== null || changes.isActive === false
      if (locksOut || changes.email !== undefined) await forgetCodes(codes, id)
      // Whoever names one of these gets it done, though it be as it was: a change whose sessions could not be
      // ended is sent again.
      if (locksOut || changes.role !== undefined) {
        await endSessionsAfter(
          sessions,
          id,
          'The account is changed, but its sessions could not be ended. Send the same change again in a moment.',
        )
      }
      return { kind: 'changed', account }
    },

    remove: (id) => removeAccount(options, id),
    // A text that is no id must not become the name of a key.
    sessions: async (id) => (accountNumber(id) === null ? [] : askStore(sessions.list(id))),
    endSession: (id, sessionId) => askStore(sessions.end(id, sessionId)),
    endSessions: (id) => askStore(sessions.endAll(id)),
  }
}
