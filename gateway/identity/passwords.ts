import { readFileSync } from 'node:fs'

export const shortestPassword = 8
export const longestPasswordBytes = 1024

export type PasswordProblem = 'too-short' | 'too-long' | 'too-common' | 'too-personal' | 'not-text'

/** The most frequent ones that are long enough, from the list of zxcvbn (MIT), with patterns of French keyboards. */
const commonPasswords: ReadonlySet<string> = new Set(
  readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean),
)

/**
 * Whether a new password may be used. It is taken exactly as typed: never trimmed, never normalised, and no
 * rule on which characters it must hold (OWASP ASVS 5, 6.2). Length counts code points, so that 8 emoji are 8.
 *
 * @param owner whose it will be, as far as that is known: names and e-mail are what others try first
 */
export function checkPassword(
  password: string,
  owner: PasswordOwner = {},
): { kind: 'accepted' } | { kind: 'refused'; problem: PasswordProblem } {
  // A lone surrogate has no UTF-8 form: two such passwords would hash alike.
  if (!password.isWellFormed()) return { kind: 'refused', problem: 'not-text' }
  if (isPasswordTooLong(password)) return { kind: 'refused', problem: 'too-long' }
  if ([...password].length < shortestPassword) return { kind: 'refused', problem: 'too-short' }
  if (commonPasswords.has(password.toLowerCase())) return { kind: 'refused', problem: 'too-common' }
  if (isPersonal(password, owner)) return { kind: 'refused', problem: 'too-personal' }
  return { kind: 'accepted' }
}

export interface PasswordOwner {
  readonly firstName?: string
  readonly lastName?: string
  readonly email?: string
}

/** Whether its letters are only those of a name, of the e-mail or of this product, whatever digits stand around them. */
function isPersonal(password: string, { firstName = '', lastName = '', email = '' }: PasswordOwner): boolean {
  const letters = lettersOf(password)
  const [beforeAt = ''] = email.split('@', 1)
  const words = [firstName, lastName, firstName + lastName, lastName + firstName, beforeAt, email, 'guichet']
  return letters !== '' && words.some((word) => lettersOf(word) === letters)
}

const lettersOf = (text: string): string => text.toLowerCase().replace(/\P{L}/gu, '')

/** True above 1024 bytes of UTF-8. Asked before any hashing, so that a megabyte costs nothing. */
export function isPasswordTooLong(password: string): boolean {
  return password.length > longestPasswordBytes || Buffer.byteLength(password, 'utf8') > longestPasswordBytes
}
