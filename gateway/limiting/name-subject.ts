import type { Policy, PolicyKey } from './policy.ts'
import { addressSubject } from './subject.ts'

export type SubjectName =
  /** As windows are named: `u:42`, `u:42+a:192.0.2.7`. */
  | { readonly kind: 'subject'; readonly subject: string }
  /** The account that has this e-mail address. */
  | { readonly kind: 'email'; readonly email: string }
  | { readonly kind: 'unreadable' }

const letters: Readonly<Record<string, string>> = {
  user: 'u',
  address: 'a',
  login: 'l',
  role: 'r',
  header: 'h',
}

const longestName = 1_000

/**
 * Reads what an operator writes: a subject, with a word in place of its letter if they like (`user:42`,
 * `address:192.0.2.7`, `login:ada@example.org`), or `email:ada@example.org` for that account.
 */
export function readSubjectName(text: string): SubjectName {
  if (text.length > longestName) return { kind: 'unreadable' }
  const email = /^email:(.+)$/s.exec(text)?.[1]
  if (email !== undefined) return { kind: 'email', email }
  const parts: string[] = []
  for (const part of partsOf(text)) {
    const [, word = '', value = ''] = /^([a-z]+):(.+)$/s.exec(part) ?? []
    const letter = word.length === 1 ? word : (letters[word] ?? '')
    if (!Object.values(letters).includes(letter)) return { kind: 'unreadable' }
    if (letter === 'h' && !/^[a-z0-9-]+=./.test(value)) return { kind: 'unreadable' }
    parts.push(letter === 'a' ? addressSubject(value) : `${letter}:${value}`)
  }
  return { kind: 'subject', subject: parts.join('+') }
}

/** Whether calls of this subject can be counted by the policy; who lacks a key is counted by address. */
export function isCountedBy(
  { by, whenKeyIsMissing }: Pick<Policy, 'by' | 'whenKeyIsMissing'>,
  subject: string,
): boolean {
  const parts = by.length === 1 ? [subject] : partsOf(subject)
  if (parts.length !== by.length) return false
  return by.every((key, i) => fits(key, parts[i] as string, whenKeyIsMissing === 'address'))
}

function fits(key: PolicyKey, part: string, isByAddressElse: boolean): boolean {
  const letter = part.charAt(0)
  switch (key) {
    case 'user':
      return letter === 'u' || letter === 'a'
    case 'account':
      return letter === 'l' || letter === 'a'
    case 'address':
      return letter === 'a'
    case 'role':
      return letter === 'r'
    default:
      return letter === 'a' ? isByAddressElse : part.startsWith(`h:${key.slice('header:'.length)}=`)
  }
}

/** A `+` parts only before the name of a next key: values may hold it too. */
const partsOf = (subject: string): string[] => subject.split(/\+(?=[a-z]+:)/)
