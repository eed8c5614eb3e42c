import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { openSqlite, type SqliteConnection } from '../connections/sqlite.ts'
import { accountChangesContract } from './account-changes.contract.ts'
import { accountsContract } from './accounts.contract.ts'
import { createSqliteAccounts } from './accounts.sqlite.ts'
import { AccountsUnavailable } from './accounts.ts'
import { migrateSqlite } from './migrations.sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'guichet-accounts-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const openFresh = (): SqliteConnection => openSqlite(join(folder, `in/folders/${++files}.sqlite`))

const openEmpty = async () => {
  const connection = openFresh()
  migrateSqlite(connection.database)
  return {
    accounts: createSqliteAccounts(connection.database),
    [Symbol.asyncDispose]: async () => connection[Symbol.dispose](),
  }
}

accountsContract('an SQLite file', openEmpty)
accountChangesContract('an SQLite file', openEmpty)

test('an id above 2^53 is not rounded', async () => {
  using connection = openFresh()
  migrateSqlite(connection.database)
  connection.database.exec(
    "INSERT INTO utilisateurs (id, nom, prenom, email, mot_de_passe) VALUES (9007199254740993, '', '', 'big@example.org', '')",
  )
  const accounts = createSqliteAccounts(connection.database)
  expect((await accounts.findByEmail('big@example.org'))?.account.id).toBe('9007199254740993')
  expect(await accounts.findById('9007199254740993')).toMatchObject({ id: '9007199254740993' })
  expect(await accounts.findById('9007199254740992')).toBeNull()
})

test('a file that another process keeps locked is AccountsUnavailable, and works again afterwards', async () => {
  using connection = openFresh()
  migrateSqlite(connection.database)
  const accounts = createSqliteAccounts(connection.database)
  connection.database.exec('PRAGMA busy_timeout = 10')
  using other = new DatabaseSync(connection.database.location() ?? '')
  other.exec('BEGIN IMMEDIATE')
  const recorded = accounts.recordLogin('1', 0)
  await expect(recorded).rejects.toBeInstanceOf(AccountsUnavailable)
  await expect(recorded).rejects.toMatchObject({
    code: 'store-unavailable',
    details: { retryAfterSeconds: 1 },
  })
  other.exec('ROLLBACK')
  await expect(accounts.recordLogin('1', 0)).resolves.toBeUndefined()
})

test('the last connected and the logins of one account are read from an index, the top from the key of the hours', () => {
  using connection = openFresh()
  migrateSqlite(connection.database)
  const planOf = (query: string): string =>
    JSON.stringify(connection.database.prepare(`EXPLAIN QUERY PLAN ${query}`).all())
  const recent = planOf(
    'SELECT * FROM utilisateurs WHERE derniere_connexion_ms IS NOT NULL ORDER BY derniere_connexion_ms DESC, id LIMIT 10',
  )
  expect(recent).toContain('utilisateurs_derniere_connexion')
  expect(recent).not.toContain('TEMP B-TREE')
  expect(planOf('SELECT * FROM connexions_par_heure WHERE heure > 1')).toContain('PRIMARY KEY (heure>?)')
  expect(planOf('DELETE FROM connexions_par_heure WHERE utilisateur_id = 1')).toContain(
    'connexions_par_heure_utilisateur',
  )
  expect(planOf("SELECT * FROM utilisateurs WHERE email COLLATE BINARY = 'x'")).toContain(
    'utilisateurs_email',
  )
})

test('a file that is no database is refused with its name and the cure', () => {
  expect(() => openSqlite(new URL(import.meta.url).pathname)).toThrow(
    /accounts\.sqlite\.test\.ts.*Check that/,
  )
})
