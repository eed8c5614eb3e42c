import { inject } from 'vitest'
import { openMysql } from '../connections/mysql.ts'
import { migrateMysql } from '../identity/migrations.mysql.ts'
import { createDatabase } from '../test/servers/mariadb.ts'
import { auditContract } from './audit.contract.ts'
import { createMysqlAudit } from './audit.mysql.ts'

auditContract('MySQL', async () => {
  const mysql = await openMysql(await createDatabase(inject('mysqlUrl')))
  await migrateMysql(mysql)
  return {
    trail: createMysqlAudit(mysql),
    [Symbol.asyncDispose]: () => mysql[Symbol.asyncDispose](),
  }
})
