import { readFileSync } from 'node:fs'

export const shortestPassword = 8
export const longestPasswordBytes = 1024

export type PasswordProblem = 'too-short' | 'too-long' | 'too-common' | 'not-text'

const commonPasswords: ReadonlySet<string> = new Set(
  readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean),
)

/**
 * Whether a new password may be used. It is taken exactly as typed: never trimmed, never normalised, and no
 * rule on which characters it must hold (OWASP ASVS 5, 6.2). Length counts code points, so that 8 emoji are 8.
 */
export function checkPassword(
  password: string,
): { kind: 'accepted' } | { kind: 'refused'; problem: PasswordProblem } {
  // A lone surrogate has no UTF-8 form: two such passwords would hash alike.
  if (!password.isWellFormed()) return { kind: 'refused', problem: 'not-text' }
  if (isPasswordTooLong(password)) return { kind: 'refused', problem: 'too-long' }
  if ([...password].length < shortestPassword) return { kind: 'refused', problem: 'too-short' }
  if (commonPasswords.has(password.toLowerCase())) return { kind: 'refused', problem: 'too-common' }
  return { kind: 'accepted' }
}

/** True above 1024 bytes of UTF-8. Asked before any hashing, so that a megabyte costs nothing. */
export function isPasswordTooLong(password: string): boolean {
  return password.length > longestPasswordBytes || Buffer.byteLength(password, 'utf8') > longestPasswordBytes
}
