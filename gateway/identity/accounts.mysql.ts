import type { ExecuteValues, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { type MysqlConnection, MysqlUnavailable } from '../connections/mysql.ts'
import { accountNumber } from './account.ts'
import { type Accounts, AccountsUnavailable } from './accounts.ts'
import {
  type AccountRow,
  accountColumns,
  accountOf,
  columnsWithLastLogin,
  hourBefore,
  hourOf,
  sql,
  updateOf,
  withLastLogin,
} from './accounts-sql.ts'

const findByEmail = `SELECT ${accountColumns}, mot_de_passe FROM utilisateurs WHERE email = ?`

// An adopted column may compare without case and accents: bytes and lower case are said here.
const replacePasswordHash = `UPDATE utilisateurs SET mot_de_passe = ?
  WHERE id = ? AND CAST(COALESCE(mot_de_passe, '') AS BINARY) = CAST(? AS BINARY)`

const search = `SELECT ${columnsWithLastLogin} FROM utilisateurs WHERE id > ? AND (
    INSTR(LOWER(email) COLLATE utf8mb4_bin, ?) > 0 OR
    INSTR(LOWER(CONCAT_WS(' ', prenom COLLATE utf8mb4_bin, nom COLLATE utf8mb4_bin)), ?) > 0
  ) ORDER BY id LIMIT ?`

const forgetLogins =
  'DELETE FROM connexions_par_heure WHERE heure <= ? ORDER BY heure, utilisateur_id LIMIT ?'

const countLogin = `INSERT INTO connexions_par_heure (heure, utilisateur_id, connexions) VALUES (?, ?, 1)
  ON DUPLICATE KEY UPDATE connexions = connexions + 1`

type Row = RowDataPacket &
  AccountRow & {
    readonly mot_de_passe: string | null
    readonly derniere_connexion_ms: number | string | null
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
        if (codeOf(error) === 'ER_DUP_ENTRY') return { kind: 'email-taken' }
        throw error
      }
    },
    async list(afterId, limit) {
      return (await rows(sql.list, accountNumber(afterId) ?? 0n, BigInt(limit))).map(accountOf)
    },
    async search({ text, afterId, limit }) {
      const lower = text.toLowerCase()
      const found = await rows(search, accountNumber(afterId) ?? 0n, lower, lower, BigInt(limit))
      return found.map(withLastLogin)
    },
    async findWithLastLogin(id) {
      const [row] = await rows(sql.findWithLastLogin, accountNumber(id))
      return row ? withLastLogin(row) : null
    },
    async update(id, changes) {
      const number = accountNumber(id)
      const update = updateOf(number, changes)
      try {
        if (update !== null) await change(update.text, ...update.values)
      } catch (error) {
        if (codeOf(error) === 'ER_DUP_ENTRY') return { kind: 'email-taken' }
        throw error
      }
      const [row] = await rows(sql.findById, number)
      return row ? { kind: 'updated', account: accountOf(row) } : { kind: 'unknown' }
    },
    async remove(id) {
      try {
        const isRemoved = await run((connection) => remove(connection, accountNumber(id)))
        return { kind: isRemoved ? 'removed' : 'unknown' }
      } catch (error) {
        if (codeOf(error) === 'ER_ROW_IS_REFERENCED_2') return { kind: 'referenced' }
        throw error
      }
    },
    // `affectedRows` counts the rows that were found, changed or not (mysql2 asks for FOUND_ROWS).
    async setPasswordHash(id, passwordHash, expected) {
      const values = [passwordHash, accountNumber(id)]
      const { affectedRows } = await (expected === undefined
        ? change(sql.setPasswordHash, ...values)
        : change(replacePasswordHash, ...values, expected))
      return affectedRows > 0
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
    async forgetLogins(untilMs, most) {
      return (await change(forgetLogins, hourBefore(untilMs), BigInt(most))).affectedRows
    },
    async ping() {
      await run((connection) => connection.ping())
    },
  }
}

const codeOf = (error: unknown): string | undefined => (error as { code?: string }).code

// In both the account's row comes first: it is the lock that makes what happens to one account wait in line.

const recordLogin = (connection: PoolConnection, id: bigint | null, atMs: number): Promise<void> =>
  inTransaction(connection, async () => {
    const at = BigInt(Math.floor(atMs))
    const values = [at, at, id] as ExecuteValues
    const [{ affectedRows }] = await connection.execute<ResultSetHeader>(sql.setLastLogin, values)
    if (affectedRows > 0) await connection.execute(countLogin, [hourOf(atMs), id] as ExecuteValues)
  })

const remove = (connection: PoolConnection, id: bigint | null): Promise<boolean> =>
  inTransaction(connection, async () => {
    const values = [id] as ExecuteValues
    const [{ affectedRows }] = await connection.execute<ResultSetHeader>(sql.remove, values)
    await connection.execute(sql.forgetLoginsOf, values)
    return affectedRows > 0
  })

async function inTransaction<T>(connection: PoolConnection, work: () => Promise<T>): Promise<T> {
  await connection.beginTransaction()
  try {
    const result = await work()
    await connection.commit()
    return result
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
export function isAway(error: { code?: string; sqlState?: string; fatal?: boolean }): boolean {
  if (error instanceof MysqlUnavailable || error.fatal === true) return true
  return error.sqlState === undefined ? error.code !== undefined : awayCodes.has(error.code ?? '')
}
