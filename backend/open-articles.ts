import { openMysqlArticles } from './articles.mysql.ts'
import { openSqliteArticles } from './articles.sqlite.ts'
import type { Articles } from './articles.ts'

/**
 * Opens the home that DATABASE_URL names.
 *
 * @param databaseUrl already checked by `readSettings`
 * @throws Error whose message is one line that names the cure, without the password
 */
export async function openArticles(databaseUrl: string): Promise<Articles> {
  if (databaseUrl.startsWith('sqlite:')) {
    const file = databaseUrl.slice('sqlite:'.length)
    try {
      return openSqliteArticles(file)
    } catch (error) {
      throw new Error(
        `cannot open DATABASE_URL=sqlite:${file} (${reason(error)}): give the path of an SQLite file, or of a new one, in a folder this user may write to.`,
      )
    }
  }
  try {
    return await openMysqlArticles(databaseUrl)
  } catch (error) {
    const { host, pathname } = new URL(databaseUrl)
    throw new Error(
      `cannot use DATABASE_URL=mysql://…@${host}${pathname} (${reason(error)}): ${mysqlCure(error, pathname.slice(1))}`,
    )
  }
}

function mysqlCure(error: unknown, database: string): string {
  switch (codeOf(error)) {
    case 'ER_BAD_DB_ERROR':
      return `create it first: CREATE DATABASE ${database} CHARACTER SET utf8mb4.`
    case 'ER_ACCESS_DENIED_ERROR':
    case 'ER_DBACCESS_DENIED_ERROR':
    case 'ER_TABLEACCESS_DENIED_ERROR':
      return 'check its user and password, and that the user may create tables in this database.'
    default:
      return 'start the server, or correct host and port in DATABASE_URL.'
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** An AggregateError (IPv4 and IPv6 both refused) has a code and no message. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return (message || codeOf(error) || 'no reason given').replace(/\s+/g, ' ')
}
