import { createHash } from 'node:crypto'
import type { Account } from './account.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { DelegatedPerson } from './delegate.ts'
import { normaliseEmail } from './email.ts'

/**
 * The account of somebody whom the app behind us knows: the one with their e-mail, made when there is none, so that
 * sessions, limits and statistics know them. It has no password of ours; only the app lets them in.
 *
 * @throws AccountsUnavailable
 */
export async function delegatedAccount(
  accounts: Pick<Accounts, 'findByEmail' | 'create'>,
  person: DelegatedPerson,
): Promise<Account> {
  const email = emailOf(person)
  const known = await askStore(accounts.findByEmail(email))
  if (known !== null) return known.account
  const { firstName, lastName } = person
  const created = await askStore(
    accounts.create({ firstName, lastName, email, passwordHash: noPassword, role: 'user' }),
  )
  if (created.kind === 'created') return created.account
  // Their other login, a moment ago.
  const other = await askStore(accounts.findByEmail(email))
  if (other === null) throw new Error('an account was taken and is gone')
  return other.account
}

/** Matches nothing that anyone types. */
const noPassword = ''

/** A subject that has no e-mail gets one that no mail reaches (RFC 2606), and that no other subject can get. */
function emailOf({ email, subject }: DelegatedPerson): string {
  const reading = email === null ? null : normaliseEmail(email)
  if (reading?.kind === 'email') return reading.email
  const isPlain = /^[a-z0-9]{1,60}$/.test(subject)
  // Hashed, since e-mails are folded to lower case and subjects are not. The dash keeps hashes apart from names.
  const name = isPlain ? subject : `sha256-${createHash('sha256').update(subject).digest('hex').slice(0, 50)}`
  return `${name}@delegate.invalid`
}
