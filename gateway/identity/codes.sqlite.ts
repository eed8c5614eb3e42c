import type { DatabaseSync } from 'node:sqlite'
import { answer, sqliteCode } from './accounts.sqlite.ts'
import type { Codes } from './codes.ts'
import { type CodeQueries, type CodeRow, forgetCode, issueCode, renewCode, spendCode } from './codes-sql.ts'

const constraintPrimaryKey = 1555

/** The one-time codes in an SQLite file whose tables exist (`migrateSqlite`). */
export function createSqliteCodes(database: DatabaseSync): Codes {
  const change: CodeQueries['change'] = async (text, values) =>
    Number(answer(() => database.prepare(text).run(...values)).changes)
  const queries: CodeQueries = {
    change,
    rows: async (text, values) => answer(() => database.prepare(text).all(...values)) as unknown as CodeRow[],
    async insert(text, values) {
      try {
        return (await change(text, values)) > 0
      } catch (error) {
        if (sqliteCode(error) === constraintPrimaryKey) return false
        throw error
      }
    },
  }
  return {
    issue: (code) => issueCode(queries, code),
    renew: (code) => renewCode(queries, code),
    spend: (...trial) => spendCode(queries, ...trial),
    forget: (purpose, owner) => forgetCode(queries, purpose, owner),
  }
}
