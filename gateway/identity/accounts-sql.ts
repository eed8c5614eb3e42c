import { type Account, isPlan } from './account.ts'
import type { AccountChanges, AccountWithLastLogin } from './accounts.ts'

/** What both homes say in the same SQL, so that they cannot drift apart. */

/** One row of `accountColumns`; a table older than the gateway may hold NULL anywhere but in `id`. */
export interface AccountRow {
  readonly id: string | bigint
  readonly nom: string | null
  readonly prenom: string | null
  readonly email: string | null
  readonly role: string | null
  readonly actif: number | bigint | null
  /** A number in some older tables. */
  readonly plan: string | number | bigint | null
}

/** Each named again: SQLite answers with the name as an older app's table spells it, `Email` perhaps. */
export const accountColumns = ['id', 'nom', 'prenom', 'email', 'role', 'actif', 'plan']
  .map((column) => `${column} AS ${column}`)
  .join(', ')

/** What `search` and `findWithLastLogin` select. */
export const columnsWithLastLogin = `${accountColumns}, derniere_connexion_ms AS derniere_connexion_ms`

/** Only `admin` is an administrator: an older app's own role names (or NULL) never give that right. */
export function accountOf(row: AccountRow): Account {
  const plan = String(row.plan ?? '').trim()
  return {
    id: String(row.id),
    firstName: row.prenom ?? '',
    lastName: row.nom ?? '',
    email: row.email ?? '',
    role: row.role === 'admin' ? 'admin' : 'user',
    plan: isPlan(plan) ? plan : null,
    isActive: Number(row.actif ?? 0) > 0,
  }
}

export function withLastLogin(
  row: AccountRow & { readonly derniere_connexion_ms: number | string | bigint | null },
): AccountWithLastLogin {
  const atMs = row.derniere_connexion_ms
  return { account: accountOf(row), lastLoginAtMs: atMs === null ? null : Number(atMs) }
}

const columnOf: Readonly<Record<keyof AccountChanges, string>> = {
  firstName: 'prenom',
  lastName: 'nom',
  email: 'email',
  role: 'role',
  plan: 'plan',
  isActive: 'actif',
}

export interface UpdateStatement {
  readonly text: string
  readonly values: readonly (string | bigint | null)[]
}

/** Null when nothing is to be changed. */
export function updateOf(id: bigint | null, changes: AccountChanges): UpdateStatement | null {
  const fields = Object.keys(columnOf) as (keyof AccountChanges)[]
  const changed = fields.filter((field) => changes[field] !== undefined)
  if (changed.length === 0) return null
  const values = changed.map((field) => {
    const value = changes[field] as string | boolean | null
    return typeof value === 'boolean' ? BigInt(value) : value
  })
  const assignments = changed.map((field) => `${columnOf[field]} = ?`)
  return {
    text: `UPDATE utilisateurs SET ${assignments.join(', ')} WHERE id = ?`,
    values: [...values, id],
  }
}

export const hourMs = 3_600_000

export const hourOf = (atMs: number): bigint => BigInt(Math.floor(atMs / hourMs) * hourMs)

/** Hours that end after `sinceMs` are those that begin after this; the others have ended by then. */
export const hourBefore = (sinceMs: number): bigint => BigInt(Math.floor(sinceMs - hourMs))

/** The `sqlite.ts` home adds its collation to the e-mail. */
export const sql = {
  findById: `SELECT ${accountColumns} FROM utilisateurs WHERE id = ?`,
  findWithLastLogin: `SELECT ${columnsWithLastLogin} FROM utilisateurs WHERE id = ?`,
  list: `SELECT ${accountColumns} FROM utilisateurs WHERE id > ? ORDER BY id LIMIT ?`,
  insert:
    'INSERT INTO utilisateurs (nom, prenom, email, mot_de_passe, role, actif) VALUES (?, ?, ?, ?, ?, 1)',
  // Apart, so that an older app's default for new accounts holds.
  insertWithPlan:
    'INSERT INTO utilisateurs (nom, prenom, email, mot_de_passe, role, plan, actif) VALUES (?, ?, ?, ?, ?, ?, 1)',
  setPasswordHash: 'UPDATE utilisateurs SET mot_de_passe = ? WHERE id = ?',
  remove: 'DELETE FROM utilisateurs WHERE id = ?',
  forgetLoginsOf: 'DELETE FROM connexions_par_heure WHERE utilisateur_id = ?',
  // Gateways record in any order; the last login never goes back.
  setLastLogin: `UPDATE utilisateurs SET derniere_connexion_ms =
    CASE WHEN derniere_connexion_ms > ? THEN derniere_connexion_ms ELSE ? END WHERE id = ?`,
  recentLogins: `SELECT ${accountColumns}, derniere_connexion_ms FROM utilisateurs
    WHERE derniere_connexion_ms IS NOT NULL ORDER BY derniere_connexion_ms DESC, id LIMIT ?`,
  // The sum first, over the primary key alone; names only for the few that remain.
  topLogins: `SELECT ${accountColumns}, logins FROM (
      SELECT utilisateur_id, SUM(connexions) AS logins FROM connexions_par_heure
      WHERE heure > ? GROUP BY utilisateur_id ORDER BY logins DESC, utilisateur_id LIMIT ?
    ) AS most JOIN utilisateurs ON id = utilisateur_id ORDER BY logins DESC, id`,
}
