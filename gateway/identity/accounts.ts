import { GatewayError } from '../errors.ts'
import type { Account, Role } from './account.ts'

export interface NewAccount {
  readonly firstName: string
  readonly lastName: string
  /** Already normalised by `email.ts`. */
  readonly email: string
  readonly passwordHash: string
  readonly role: Role
  /** As `isPlan` has it; none by default. */
  readonly plan?: string | null
}

/** What may be changed of an account; what is left out stays. */
export type AccountChanges = Partial<
  Pick<Account, 'firstName' | 'lastName' | 'email' | 'role' | 'plan' | 'isActive'>
>

export type AccountUpdate =
  | { readonly kind: 'updated'; readonly account: Account }
  | { readonly kind: 'email-taken' }
  | { readonly kind: 'unknown' }

export type AccountRemoval =
  | { readonly kind: 'removed' }
  | { readonly kind: 'unknown' }
  /** Rows of the app behind us name this account, in the same database, and must not be left alone. */
  | { readonly kind: 'referenced' }

export interface AccountSearch {
  /** Found in the e-mail, or in the first name, a space and the last name, whatever the case; empty: everyone. */
  readonly text: string
  readonly afterId: string
  readonly limit: number
}

/** The database did not answer in time, or at all: answered as 503 with a Retry-After. */
export class AccountsUnavailable extends GatewayError {
  constructor(cause: unknown) {
    super('store-unavailable', { retryAfterSeconds: 1, cause })
    this.name = 'AccountsUnavailable'
  }
}

export interface LoginCount {
  readonly account: Account
  readonly logins: number
}

export interface LastLogin {
  readonly account: Account
  readonly atMs: number
}

export interface AccountWithLastLogin {
  readonly account: Account
  /** Null: has never logged in. */
  readonly lastLoginAtMs: number | null
}

/** An account with what only the login may see: an argon2id string, or plain text in a table older than the gateway. */
export interface AccountWithPassword {
  readonly account: Account
  readonly storedPassword: string
}

/**
 * The accounts, in MySQL (`accounts.mysql.ts`) or an SQLite file (`accounts.sqlite.ts`): table `utilisateurs`.
 * Every method rejects with `AccountsUnavailable` when the database cannot answer within the deadline its home
 * was given. A text that is no id (`accountNumber`) is an unknown id, never an error.
 */
export interface Accounts {
  findByEmail(email: string): Promise<AccountWithPassword | null>
  findById(id: string): Promise<Account | null>
  /** In no particular order; unknown ids are left out. */
  findByIds(ids: readonly string[]): Promise<Account[]>
  create(account: NewAccount): Promise<{ kind: 'created'; account: Account } | { kind: 'email-taken' }>
  /** By ascending id, those after `afterId`, so that pages stay stable while accounts come and go. */
  list(afterId: string, limit: number): Promise<Account[]>
  /** By ascending id, as `list`. */
  search(search: AccountSearch): Promise<AccountWithLastLogin[]>
  findWithLastLogin(id: string): Promise<AccountWithLastLogin | null>
  /**
   * All changes or none. The e-mail is already normalised by `email.ts`; a plan of null takes it away. Tokens already
   * issued keep names, e-mail, role and plan.
   */
  update(id: string, changes: AccountChanges): Promise<AccountUpdate>
  /** Forgets the account and when it logged in; a login recorded at the same instant leaves nothing behind. */
  remove(id: string): Promise<AccountRemoval>
  /**
   * False when no such account exists, or when `expected` is given and is not what is stored, byte by byte: a
   * password that was changed meanwhile stays.
   */
  setPasswordHash(id: string, passwordHash: string, expected?: string): Promise<boolean>

  /** Remembers that the account connected: its last login and one more in its hour's counter. Unknown: nothing. */
  recordLogin(id: string, atMs: number): Promise<void>
  /** Newest first, each account once; at the same instant by ascending id. */
  recentLogins(limit: number): Promise<LastLogin[]>
  /**
   * Most logins first among hours that end after `sinceMs`; counted by the hour, so at most one hour too many.
   * Equal counts by ascending id.
   */
  topLogins(sinceMs: number, limit: number): Promise<LoginCount[]>
  /** Forgets counters of hours that have ended by `untilMs`, `most` of them at a time; says how many. */
  forgetLogins(untilMs: number, most: number): Promise<number>

  /** Resolves when the database answers; used by readiness. Whoever opened the connection closes it. */
  ping(): Promise<void>
}
