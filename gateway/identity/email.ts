import { domainToASCII } from 'node:url'

export type EmailReading =
  | { readonly kind: 'email'; readonly email: string }
  | { readonly kind: 'invalid'; readonly reason: string }

export const longestEmail = 254

/**
 * The one spelling under which an e-mail is stored and looked up: trimmed, NFKC, lower case, its domain in
 * ASCII (IDNA). Equality is decided here and in a binary collation, because a database's own idea of it
 * (`josé` = `jose`, `ß` = `ss`) would let one person log in as another.
 */
export function normaliseEmail(text: string): EmailReading {
  // Long before NFKC, which can make a text 18 times longer.
  if (text.length > 1000) return invalid(`longer than ${longestEmail} characters`)
  const typed = text.trim()
  // Controls, zero-width and other invisible characters, lone surrogates; spaces of any kind.
  if (/[\p{C}\p{Z}]/u.test(typed)) return invalid('contains a space, a control or an invisible character')
  const folded = typed.normalize('NFKC').toLowerCase()

  const parts = folded.split('@')
  const [local, domain] = parts
  if (parts.length !== 2 || !local || !domain) return invalid('must look like name@example.org')
  if (!/^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local) || local.length > 64) {
    return invalid('the part before @ must be ASCII letters, digits and single dots, 64 at most')
  }
  const asciiDomain = toAsciiDomain(domain)
  if (asciiDomain === null) return invalid('the part after @ is not a domain name')
  const email = `${local}@${asciiDomain}`
  return email.length > longestEmail
    ? invalid(`longer than ${longestEmail} characters`)
    : { kind: 'email', email }
}

function toAsciiDomain(domain: string): string | null {
  // domainToASCII parses a URL's host: it would cut `host:80` and `host/path`, and read `1.2` as 1.0.0.2.
  for (const character of domain) if (character < '\x80' && !/[a-z0-9.-]/.test(character)) return null
  if (/(^|\.)[\dx]+$/.test(domain)) return null
  const ascii = domainToASCII(domain)
  return /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(ascii)
    ? ascii
    : null
}

function invalid(reason: string): EmailReading {
  return { kind: 'invalid', reason }
}
