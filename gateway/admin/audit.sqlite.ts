import type { DatabaseSync } from 'node:sqlite'
import { type AuditRow, type AuditTrail, entryOf, insertAudit, recentAudit, valuesOf } from './audit.ts'

/** The audit trail in an SQLite file whose tables exist (`migrateSqlite`). Calls run at once, in the event loop. */
export function createSqliteAudit(database: DatabaseSync): AuditTrail {
  const insert = database.prepare(insertAudit)
  const select = database.prepare(recentAudit)
  return {
    async record(entry) {
      insert.run(...valuesOf(entry))
    },
    async recent(limit) {
      return (select.all(limit) as unknown as AuditRow[]).map(entryOf)
    },
  }
}
