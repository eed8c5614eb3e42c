import type { ExecuteValues, RowDataPacket } from 'mysql2/promise'
import type { MysqlConnection } from '../connections/mysql.ts'
import { type AuditRow, type AuditTrail, entryOf, insertAudit, recentAudit, valuesOf } from './audit.ts'

/** The audit trail in a MySQL or MariaDB database whose tables exist (`migrateMysql`). */
export function createMysqlAudit(mysql: MysqlConnection): AuditTrail {
  return {
    async record(entry) {
      await mysql.run((connection) => connection.execute(insertAudit, valuesOf(entry) as ExecuteValues))
    },
    async recent(limit) {
      const [rows] = await mysql.run((connection) =>
        connection.execute<(RowDataPacket & AuditRow)[]>(recentAudit, [BigInt(limit)] as ExecuteValues),
      )
      return rows.map(entryOf)
    },
  }
}
