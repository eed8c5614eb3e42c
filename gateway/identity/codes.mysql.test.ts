import { inject } from 'vitest'
import { openMysql } from '../connections/mysql.ts'
import { createDatabase } from '../test/servers/mariadb.ts'
import { codesContract } from './codes.contract.ts'
import { createMysqlCodes } from './codes.mysql.ts'
import { migrateMysql } from './migrations.mysql.ts'

codesContract('MySQL', async () => {
  const url = await createDatabase(inject('mysqlUrl'))
  await using opening = new AsyncDisposableStack()
  const mysql = opening.use(await openMysql(url))
  const other = opening.use(await openMysql(url))
  await migrateMysql(mysql)
  const opened = opening.move()
  return {
    codes: createMysqlCodes(mysql),
    others: createMysqlCodes(other),
    async countRows() {
      const [rows] = await mysql.pool.query('SELECT COUNT(*) AS owners FROM guichet_codes')
      return Number((rows as { owners: string }[])[0]?.owners)
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
})
