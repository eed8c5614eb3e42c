import { openSqlite } from '../connections/sqlite.ts'
import { createSqliteAccounts } from './accounts.sqlite.ts'
import { adoptionContract } from './adoption.contract.ts'
import { migrateSqlite } from './migrations.sqlite.ts'

const oldTable = `CREATE TABLE utilisateurs (
  id INTEGER PRIMARY KEY, nom VARCHAR(50), prenom VARCHAR(50), email VARCHAR(100) UNIQUE COLLATE NOCASE,
  mot_de_passe VARCHAR(50), promotion INTEGER)`

adoptionContract('an SQLite file', oldTable, async () => {
  const connection = openSqlite(':memory:')
  const { database } = connection
  return {
    accounts: () => createSqliteAccounts(database),
    migrate: async () => migrateSqlite(database),
    execute: async (statement) => database.exec(statement),
    rows: async (query) =>
      database
        .prepare(query)
        .all()
        .map((row) => ({ ...row })),
    [Symbol.asyncDispose]: async () => connection[Symbol.dispose](),
  }
})
