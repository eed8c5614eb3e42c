import { normaliseEmail } from './email.ts'

/**
 * A table `utilisateurs` made by an older app is adopted: it keeps its rows and columns, gets the columns that
 * are missing, and every e-mail in its one spelling, so that it can be unique in a binary collation.
 */

export interface StoredEmail {
  readonly id: string
  readonly email: string | null
}

export interface EmailPlan {
  /** E-mails to write in their one spelling. */
  readonly respelled: readonly { readonly id: string; readonly email: string }[]
  /** Rows whose e-mail is none; they stay as they are, and nobody logs in with them. */
  readonly unusable: readonly StoredEmail[]
}

/** Thrown before anything is changed; the message names the rows and the cure. */
export class AdoptionRefused extends Error {
  constructor(message: string) {
    super(`The table utilisateurs cannot be adopted. ${message}`)
    this.name = 'AdoptionRefused'
  }
}

/** @throws AdoptionRefused when two rows have one e-mail. */
export function planEmails(rows: readonly StoredEmail[]): EmailPlan {
  const respelled: { id: string; email: string }[] = []
  const unusable: StoredEmail[] = []
  const rowsByEmail = new Map<string, StoredEmail[]>()
  for (const row of rows) {
    const reading = normaliseEmail(row.email ?? '')
    if (reading.kind === 'invalid') unusable.push(row)
    else if (reading.email !== row.email) respelled.push({ id: row.id, email: reading.email })
    // NULL is unlike every other NULL in a unique index.
    if (row.email === null) continue
    const email = reading.kind === 'email' ? reading.email : row.email.trimEnd()
    rowsByEmail.set(email, [...(rowsByEmail.get(email) ?? []), row])
  }
  refuseCollisions(rowsByEmail)
  return { respelled, unusable }
}

function refuseCollisions(rowsByEmail: ReadonlyMap<string, readonly StoredEmail[]>): void {
  const collisions = [...rowsByEmail].filter(([, rows]) => rows.length > 1)
  if (collisions.length === 0) return
  const shown = collisions.slice(0, 10).map(([email, rows]) => {
    const which = rows.slice(0, 5).map(({ id, email: stored }) => `id ${id} (${JSON.stringify(stored)})`)
    const more = rows.length > 5 ? ` and ${rows.length - 5} more` : ''
    return `${JSON.stringify(email)}: ${which.join(', ')}${more}`
  })
  const more = collisions.length > 10 ? `; and ${collisions.length - 10} more e-mails` : ''
  throw new AdoptionRefused(
    `Several accounts have the same e-mail: ${shown.join('; ')}${more}. ` +
      'Change the e-mail of all but one of each, or delete them, then start again. Nothing was changed.',
  )
}

/** For the log. `required` are the older app's columns that are NOT NULL and have no default. */
export function warningsOf({ unusable }: EmailPlan, required: readonly string[]): string[] {
  const warnings: string[] = []
  if (unusable.length > 0) {
    const ids = unusable.slice(0, 20).map(({ id }) => id)
    const more = unusable.length > 20 ? ` and ${unusable.length - 20} more` : ''
    warnings.push(
      `utilisateurs: the e-mail of account ${ids.join(', ')}${more} is not an address; nobody can log in with it until it is corrected.`,
    )
  }
  if (required.length > 0) {
    warnings.push(
      `utilisateurs: no account can be created while ${required.join(', ')} must be given; let it be NULL or give it a default.`,
    )
  }
  return warnings
}

/** Columns that a new account gets a value for. */
export const filledColumns: ReadonlySet<string> = new Set([
  'id',
  'nom',
  'prenom',
  'email',
  'mot_de_passe',
  'role',
  'actif',
  'derniere_connexion_ms',
])
