import type { DatabaseSync } from 'node:sqlite'
import { adoptSqliteTable } from './adoption.sqlite.ts'
import { type MigrationReport, migrations } from './migrations.ts'

/**
 * Runs the migrations that are missing, all or none. The write lock is taken first: a second process waits for
 * it (SQLite's busy timeout) and then finds nothing to do.
 *
 * @throws AdoptionRefused, or SQLite's own Error.
 */
export function migrateSqlite(database: DatabaseSync, nowMs: number = Date.now()): MigrationReport {
  const ran: string[] = []
  const warnings: string[] = []
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(
      'CREATE TABLE IF NOT EXISTS guichet_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, ran_at_ms INTEGER NOT NULL)',
    )
    const done = new Set(
      database
        .prepare('SELECT number FROM guichet_migrations')
        .all()
        .map((row) => row.number),
    )
    const remember = database.prepare(
      'INSERT INTO guichet_migrations (number, name, ran_at_ms) VALUES (?, ?, ?)',
    )
    for (const { number, name, sqlite, unlessColumn } of migrations) {
      if (done.has(number)) continue
      if (number === 1 && hasTable(database)) warnings.push(...adoptSqliteTable(database))
      else if (unlessColumn === undefined || !hasColumn(database, unlessColumn)) {
        for (const statement of sqlite) database.exec(statement)
      }
      remember.run(number, name, nowMs)
      ran.push(name)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
  return { ran, warnings }
}

function hasTable(database: DatabaseSync): boolean {
  const found = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND lower(name) = 'utilisateurs'"
  return database.prepare(found).get() !== undefined
}

function hasColumn(database: DatabaseSync, name: string): boolean {
  const found = "SELECT 1 FROM pragma_table_info('utilisateurs') WHERE lower(name) = ?"
  return database.prepare(found).get(name) !== undefined
}
