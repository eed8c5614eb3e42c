/** What a one-time code proves, and what it is bound to. */
export type CodePurpose = 'registration' | 'password-reset' | 'email-change'

export interface NewCode {
  readonly purpose: CodePurpose
  /** Whom the code was sent for: a normalised e-mail for a registration, an account's id for the rest. */
  readonly owner: string
  /** Never the code itself. */
  readonly codeHash: string
  /** What the right code gives back, such as the account to be created. */
  readonly payload: Readonly<Record<string, string>>
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

export type CodeIssue =
  | { readonly kind: 'issued' }
  /** Too many were sent to this owner for this purpose of late; the earlier one stays good. */
  | { readonly kind: 'too-many' }

export type CodeRenewal =
  /** With what the code before would have given back. */
  | { readonly kind: 'renewed'; readonly payload: Readonly<Record<string, string>> }
  | { readonly kind: 'too-many' }
  /** None was issued, or it is spent, forgotten, or long expired. */
  | { readonly kind: 'nothing-waits' }

export type CodeTrial =
  | { readonly kind: 'right'; readonly payload: Readonly<Record<string, string>> }
  /** Wrong, expired, spent, tried too often, or never issued: nobody may learn which. */
  | { readonly kind: 'wrong' }

/**
 * The one-time codes sent by mail, beside the accounts: in MySQL (`codes.mysql.ts`) or an SQLite file
 * (`codes.sqlite.ts`). At most one code per purpose and owner is good at a time.
 * Every method rejects with `AccountsUnavailable` when the database cannot answer within its deadline.
 */
export interface Codes {
  /** Keeps the code and drops the one before it; at most 5 in an hour. Codes long expired are dropped on the way. */
  issue(code: NewCode): Promise<CodeIssue>
  /** The same for somebody who was sent one and asks for another: what it gives back stays. */
  renew(code: Omit<NewCode, 'payload'>): Promise<CodeRenewal>
  /** Takes one of the code's 5 tries. The right code works once, whatever comes at the same instant. */
  spend(purpose: CodePurpose, owner: string, codeHash: string, nowMs: number): Promise<CodeTrial>
  /** Drops all codes of this owner and purpose. */
  forget(purpose: CodePurpose, owner: string): Promise<void>
}
