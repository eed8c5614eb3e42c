import { openSqlite } from '../connections/sqlite.ts'
import { migrateSqlite } from '../identity/migrations.sqlite.ts'
import { auditContract } from './audit.contract.ts'
import { createSqliteAudit } from './audit.sqlite.ts'

auditContract('an SQLite file', async () => {
  const connection = openSqlite(':memory:')
  migrateSqlite(connection.database)
  return {
    trail: createSqliteAudit(connection.database),
    [Symbol.asyncDispose]: async () => connection[Symbol.dispose](),
  }
})
