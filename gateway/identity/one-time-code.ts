import { createHash, createHmac, randomInt } from 'node:crypto'
import type { CodePurpose } from './codes.ts'

/** Long enough for a mail to arrive, short enough that nobody finds it there later (OWASP ASVS 5, 6.5.5). */
export const codeLifetimeMs = 600_000

export interface OneTimeCodes {
  /** Six digits from the system's generator, and what of them is kept. */
  mint(purpose: CodePurpose, owner: string): { readonly code: string; readonly codeHash: string }
  /** Null when what was typed is no code; that takes none of the tries. */
  hash(purpose: CodePurpose, owner: string, typed: string): string | null
}

/**
 * A bare hash of six digits is undone in a second, so the hash has a secret that the database does not
 * know. Purpose and owner are part of it: a code fits nothing but what it was made for.
 */
export function createOneTimeCodes(secret: Buffer): OneTimeCodes {
  const hashOf = (purpose: CodePurpose, owner: string, code: string): string =>
    createHmac('sha256', secret).update(`${purpose} ${code} ${owner}`).digest('base64url')
  return {
    mint(purpose, owner) {
      const code = String(randomInt(1_000_000)).padStart(6, '0')
      return { code, codeHash: hashOf(purpose, owner, code) }
    },
    hash(purpose, owner, typed) {
      const code = readCode(typed)
      return code === null ? null : hashOf(purpose, owner, code)
    },
  }
}

/** The six digits in what was typed or pasted, `123 456` included; null when there are not six. */
export function readCode(typed: string): string | null {
  const digits = typed.length > 40 ? '' : typed.normalize('NFKC').replace(/[\s-]/g, '')
  return /^\d{6}$/.test(digits) ? digits : null
}

/**
 * Whose codes an address without an account gets: kept and counted like anyone's, sent to nobody, so that
 * the database takes the same time for both. No account's id looks like it.
 */
export function ownerWithoutAccount(email: string): string {
  return `nobody:${createHash('sha256').update(email).digest('base64url')}`
}
