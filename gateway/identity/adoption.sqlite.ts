import type { DatabaseSync } from 'node:sqlite'
import { AdoptionRefused, filledColumns, planEmails, type StoredEmail, warningsOf } from './adoption.ts'

const missingColumns = {
  nom: "nom TEXT NOT NULL DEFAULT ''",
  prenom: "prenom TEXT NOT NULL DEFAULT ''",
  role: "role TEXT NOT NULL DEFAULT 'user'",
  actif: 'actif INTEGER NOT NULL DEFAULT 1',
  derniere_connexion_ms: 'derniere_connexion_ms INTEGER',
}

/**
 * Brings a foreign `utilisateurs` to the state after migration 1, inside the caller's transaction.
 * Returns warnings for the log.
 *
 * @throws AdoptionRefused
 */
export function adoptSqliteTable(database: DatabaseSync): string[] {
  const columns = database
    .prepare(
      `SELECT name, type, pk, "notnull" AS required, dflt_value FROM pragma_table_info('utilisateurs')`,
    )
    .all()
  const names = new Set(columns.map(({ name }) => String(name).toLowerCase()))
  for (const name of ['email', 'mot_de_passe']) {
    if (!names.has(name)) throw new AdoptionRefused(`It has no column ${name}. Add it, or rename the table.`)
  }
  // Only this exact type makes SQLite number new rows itself.
  const id = columns.find(({ name }) => String(name).toLowerCase() === 'id')
  if (String(id?.type).toUpperCase() !== 'INTEGER' || columns.filter(({ pk }) => pk !== 0).length !== 1) {
    throw new AdoptionRefused(
      'Its column id must be INTEGER PRIMARY KEY. Rebuild the table so, or rename it.',
    )
  }
  const emails = database.prepare(
    'SELECT CAST(id AS TEXT) AS id, CAST(email AS TEXT) AS email FROM utilisateurs',
  )
  const plan = planEmails(emails.all() as unknown as StoredEmail[])

  for (const [name, definition] of Object.entries(missingColumns)) {
    if (!names.has(name)) database.exec(`ALTER TABLE utilisateurs ADD COLUMN ${definition}`)
  }
  const respell = database.prepare('UPDATE utilisateurs SET email = ? WHERE id = CAST(? AS INTEGER)')
  for (const { id, email } of plan.respelled) respell.run(email, id)
  // The column may compare without case; the index and every question of ours say BINARY.
  database.exec(`
    CREATE UNIQUE INDEX IF NOT EXISTS utilisateurs_email ON utilisateurs (email COLLATE BINARY);
    CREATE INDEX IF NOT EXISTS utilisateurs_derniere_connexion ON utilisateurs (derniere_connexion_ms DESC, id)`)
  const required = columns
    .filter((column) => column.required !== 0 && column.dflt_value === null)
    .map(({ name }) => String(name).toLowerCase())
    .filter((name) => !filledColumns.has(name))
  return warningsOf(plan, required)
}
