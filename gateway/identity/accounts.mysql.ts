import type { ExecuteValues, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { type MysqlConnection, MysqlUnavailable } from '../connections/mysql.ts'
import { accountNumber } from './account.ts'
import { type Accounts, AccountsUnavailable } from './accounts.ts'
import { type AccountRow, accountColumns, accountOf, hourBefore, hourOf, sql } from './accounts-sql.ts'

const findByEmail = `SELECT ${accountColumns}, mot_de_passe FROM utilisateurs WHERE email = ?`

const countLogin = `INSERT INTO connexions_par_heure (heure, utilisateur_id, connexions) VALUES (?, ?, 1)
  ON DUPLICATE KEY UPDATE connexions = connexions + 1`

type Row = RowDataPacket &
  AccountRow & {
    readonly mot_de_passe: string | null
    readonly derniere_connexion_ms: number | string
    readonly logins: string
  }
type Value = string | number | bigint | null

/** The accounts in a MySQL or MariaDB database whose tables exist (`migrateMysql`). */
export function createMysqlAccounts(mysql: MysqlConnection): Accounts {
  const run = <T>(work: (connection: PoolConnection) => Promise<T>): Promise<T> =>
    mysql.run(work).catch((error) => {
      throw isAway(error) ? new AccountsUnavailable(error) : error
    })
  // Bound on the server, so that no text is ever part of the SQL. BigInt, because mysql2 binds a number as DOUBLE,
  // which MySQL refuses as a LIMIT and which rounds ids.
  const rows = (text: string, ...values: Value[]): Promise<Row[]> =>
    run(async (connection) => (await connection.execute<Row[]>(text, values as ExecuteValues))[0])
  const change = (text: string, ...values: Value[]): Promise<ResultSetHeader> =>
    run(async (connection) => (await connection.execute<ResultSetHeader>(text, values as ExecuteValues))[0])

  return {
    async findByEmail(email) {
      const [row] = await rows(findByEmail, email)
      return row ? { account: accountOf(row), storedPassword: row.mot_de_passe ?? '' } : null
    },
    async findById(id) {
      const [row] = await rows(sql.findById, accountNumber(id))
      return row ? accountOf(row) : null
    },
    async findByIds(ids) {
      const numbers = ids.map(accountNumber).filter((number) => number !== null)
      if (numbers.length === 0) return []
      // Digits only. Bound, every length of list would be one more prepared statement.
      const text = `SELECT ${accountColumns} FROM utilisateurs WHERE id IN (${numbers.join()})`
      return (await run((connection) => connection.query<Row[]>(text)))[0].map(accountOf)
    },
    async create({ firstName, lastName, email, passwordHash, role, plan = null }) {
      const values = [lastName, firstName, email, passwordHash, role]
      try {
        const { insertId } = await (plan === null
          ? change(sql.insert, ...values)
          : change(sql.insertWithPlan, ...values, plan))
        const id = String(insertId)
        return { kind: 'created', account: { id, firstName, lastName, email, role, plan, isActive: true } }
      } catch (error) {
        if ((error as { code?: string }).code === 'ER_DUP_ENTRY') return { kind: 'email-taken' }
        throw error
      }
    },
    async list(afterId, limit) {
      return (await rows(sql.list, accountNumber(afterId) ?? 0n, BigInt(limit))).map(accountOf)
    },
    // `affectedRows` counts the rows that were found, changed or not (mysql2 asks for FOUND_ROWS).
    async setPasswordHash(id, passwordHash) {
      return (await change(sql.setPasswordHash, passwordHash, accountNumber(id))).affectedRows > 0
    },
    async setActive(id, isActive) {
      return (await change(sql.setActive, isActive ? 1n : 0n, accountNumber(id))).affectedRows > 0
    },
    async setPlan(id, plan) {
      return (await change(sql.setPlan, plan, accountNumber(id))).affectedRows > 0
    },
    recordLogin: (id, atMs) => run((connection) => recordLogin(connection, accountNumber(id), atMs)),
    async recentLogins(limit) {
      return (await rows(sql.recentLogins, BigInt(limit))).map((row) => ({
        account: accountOf(row),
        atMs: Number(row.derniere_connexion_ms),
      }))
    },
    async topLogins(sinceMs, limit) {
      return (await rows(sql.topLogins, hourBefore(sinceMs), BigInt(limit))).map((row) => ({
        account: accountOf(row),
        logins: Number(row.logins),
      }))
    },
    async ping() {
      await run((connection) => connection.ping())
    },
  }
}

/** The account's row first: it is the lock that makes two logins of one account wait for each other. */
async function recordLogin(connection: PoolConnection, id: bigint | null, atMs: number): Promise<void> {
  const at = BigInt(Math.floor(atMs))
  await connection.beginTransaction()
  try {
    const [{ affectedRows }] = await connection.execute<ResultSetHeader>(sql.setLastLogin, [
      at,
      at,
      id,
    ] as ExecuteValues)
    if (affectedRows > 0) await connection.execute(countLogin, [hourOf(atMs), id] as ExecuteValues)
    await connection.commit()
  } catch (error) {
    await connection.rollback().catch(() => connection.destroy())
    throw error
  }
}

/** Errors of a server that is there but cannot serve: full, stopping, read-only, or busy with someone's lock. */
const awayCodes = new Set([
  'ER_CON_COUNT_ERROR',
  'ER_TOO_MANY_USER_CONNECTIONS',
  'ER_SERVER_SHUTDOWN',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_LOCK_DEADLOCK',
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_READ_ONLY_MODE',
  'ER_QUERY_INTERRUPTED',
  'ER_CONNECTION_KILLED',
  'ER_DISK_FULL',
  'ER_RECORD_FILE_FULL',
])

/** A broken connection has no SQL state; an SQL error that has one is a mistake of ours and must show as such. */
function isAway(error: { code?: string; sqlState?: string; fatal?: boolean }): boolean {
  if (error instanceof MysqlUnavailable || error.fatal === true) return true
  return error.sqlState === undefined ? error.code !== undefined : awayCodes.has(error.code ?? '')
}
