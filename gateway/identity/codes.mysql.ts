import type { ExecuteValues, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { MysqlConnection } from '../connections/mysql.ts'
import { isAway } from './accounts.mysql.ts'
import { AccountsUnavailable } from './accounts.ts'
import type { Codes } from './codes.ts'
import { type CodeQueries, type CodeRow, forgetCode, issueCode, renewCode, spendCode } from './codes-sql.ts'

/** The one-time codes in a MySQL or MariaDB database whose tables exist (`migrateMysql`). */
export function createMysqlCodes(mysql: MysqlConnection): Codes {
  // On one connection, so that all its questions together keep the deadline.
  const ask = <T>(work: (queries: CodeQueries) => Promise<T>): Promise<T> =>
    mysql
      .run((connection) => work(queriesOn(connection)))
      .catch((error) => {
        throw isAway(error) ? new AccountsUnavailable(error) : error
      })
  return {
    issue: (code) => ask((queries) => issueCode(queries, code)),
    renew: (code) => ask((queries) => renewCode(queries, code)),
    spend: (...trial) => ask((queries) => spendCode(queries, ...trial)),
    forget: (purpose, owner) => ask((queries) => forgetCode(queries, purpose, owner)),
  }
}

function queriesOn(connection: PoolConnection): CodeQueries {
  const change: CodeQueries['change'] = async (text, values) =>
    // Rows that were found, changed or not (mysql2 asks for FOUND_ROWS).
    (await connection.execute<ResultSetHeader>(text, values as ExecuteValues))[0].affectedRows
  return {
    change,
    rows: async (text, values) =>
      (await connection.execute<(RowDataPacket & CodeRow)[]>(text, values as ExecuteValues))[0],
    async insert(text, values) {
      try {
        return (await change(text, values)) > 0
      } catch (error) {
        if ((error as { code?: string }).code === 'ER_DUP_ENTRY') return false
        throw error
      }
    },
  }
}
