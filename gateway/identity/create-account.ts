import { type Account, isPlan, type Role } from './account.ts'
import type { Accounts } from './accounts.ts'
import { normaliseEmail } from './email.ts'
import type { PasswordHashing } from './password-hashing.ts'
import {
  checkPassword,
  longestPasswordBytes,
  type PasswordOwner,
  type PasswordProblem,
  shortestPassword,
} from './passwords.ts'

export interface CreateAccountDeps {
  readonly accounts: Pick<Accounts, 'create'>
  readonly hashing: Pick<PasswordHashing, 'hashPassword'>
}

export interface CreateAccountInput {
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  readonly password: string
  readonly role?: Role
  readonly plan?: string | null
}

/** One sentence for each field that is wrong, with what would be right. */
export type FieldProblems = Partial<Record<'firstName' | 'lastName' | 'email' | 'password' | 'plan', string>>

export type CreateAccountResult =
  | { readonly kind: 'created'; readonly account: Account }
  | { readonly kind: 'invalid'; readonly problems: FieldProblems }
  | { readonly kind: 'email-taken'; readonly email: string }

/** What a new account may be made of: names trimmed, e-mail normalised. */
export type NewAccountReading =
  | { readonly kind: 'fields'; readonly firstName: string; readonly lastName: string; readonly email: string }
  | { readonly kind: 'invalid'; readonly problems: FieldProblems }

/** Reads what a person typed; all problems are told at once. */
export function readNewAccount(input: Omit<CreateAccountInput, 'role'>): NewAccountReading {
  const reading = normaliseEmail(input.email)
  const firstName = input.firstName.trim()
  const lastName = input.lastName.trim()
  const problems: FieldProblems = {
    ...problemOf('firstName', nameProblem(firstName)),
    ...problemOf('lastName', nameProblem(lastName)),
    ...problemOf('email', reading.kind === 'invalid' ? `The e-mail ${reading.reason}.` : null),
    ...problemOf('password', passwordProblem(input.password, input)),
    ...problemOf('plan', planProblem(input.plan ?? null)),
  }
  return reading.kind === 'invalid' || Object.keys(problems).length > 0
    ? { kind: 'invalid', problems }
    : { kind: 'fields', firstName, lastName, email: reading.email }
}

/**
 * Creates an active account from what a person typed; nothing is hashed while a field is wrong.
 *
 * @throws AccountsUnavailable, or `overloaded` when too many passwords wait to be hashed.
 */
export async function createAccount(
  { accounts, hashing }: CreateAccountDeps,
  input: CreateAccountInput,
): Promise<CreateAccountResult> {
  const reading = readNewAccount(input)
  if (reading.kind === 'invalid') return reading
  const { firstName, lastName, email } = reading
  const passwordHash = await hashing.hashPassword(input.password)
  const created = await accounts.create({
    firstName,
    lastName,
    email,
    passwordHash,
    role: input.role ?? 'user',
    plan: input.plan ?? null,
  })
  return created.kind === 'created' ? created : { kind: 'email-taken', email }
}

const longestName = 100

/** What is wrong with a trimmed name, as a sentence; null when nothing is. */
export function nameProblem(name: string): string | null {
  if (name === '') return 'The name is empty.'
  // More code units than that cannot be few enough code points; no need to walk through a megabyte.
  if (name.length > 2 * longestName || [...name].length > longestName) {
    return `The name is longer than ${longestName} characters.`
  }
  // Controls and lone surrogates, and the marks that turn the text around a name the other way (Trojan Source).
  return /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(name)
    ? 'The name contains a control character.'
    : null
}

const passwordSentences: Record<PasswordProblem, string> = {
  'too-short': `The password is shorter than ${shortestPassword} characters.`,
  'too-long': `The password is longer than ${longestPasswordBytes} bytes.`,
  'too-common': 'The password is one of the most common ones. Choose one that nobody would guess.',
  'too-personal': 'The password is a name or the e-mail. Choose one that nobody would guess.',
  'not-text': 'The password contains half a character. Type it again.',
}

/** What is wrong with a new password, as a sentence; null when nothing is. */
export function passwordProblem(password: string, owner?: PasswordOwner): string | null {
  const checked = checkPassword(password, owner)
  return checked.kind === 'refused' ? passwordSentences[checked.problem] : null
}

/** What is wrong with a plan, as a sentence; null when nothing is, and for none. */
export function planProblem(plan: string | null): string | null {
  return plan === null || isPlan(plan)
    ? null
    : 'The plan is not 1 to 64 letters, digits, ".", "_" and "-", a letter or digit first.'
}

export function problemOf(field: keyof FieldProblems, problem: string | null): FieldProblems {
  return problem === null ? {} : { [field]: problem }
}
