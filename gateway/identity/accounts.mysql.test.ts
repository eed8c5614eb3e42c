import { inject } from 'vitest'
import { openMysql } from '../connections/mysql.ts'
import { createDatabase } from '../test/servers/mariadb.ts'
import { accountChangesContract } from './account-changes.contract.ts'
import { accountsContract } from './accounts.contract.ts'
import { createMysqlAccounts } from './accounts.mysql.ts'
import { migrateMysql } from './migrations.mysql.ts'

const openEmpty = async () => {
  const mysql = await openMysql(await createDatabase(inject('mysqlUrl')))
  await migrateMysql(mysql)
  return {
    accounts: createMysqlAccounts(mysql),
    [Symbol.asyncDispose]: () => mysql[Symbol.asyncDispose](),
  }
}

accountsContract('MySQL', openEmpty)
accountChangesContract('MySQL', openEmpty)
