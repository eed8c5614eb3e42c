import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
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

// An adopted column may compare without case: BINARY is said here, as in the index.
const findByEmail = `SELECT ${accountColumns}, mot_de_passe AS mot_de_passe FROM utilisateurs WHERE email COLLATE BINARY = ?`

const replacePasswordHash = `UPDATE utilisateurs SET mot_de_passe = ?
  WHERE id = ? AND CAST(COALESCE(mot_de_passe, '') AS TEXT) COLLATE BINARY = ?`

const search = `SELECT ${columnsWithLastLogin} FROM utilisateurs WHERE id > ? AND (
    instr(lower_unicode(email), ?) > 0 OR instr(lower_unicode(concat_ws(' ', prenom, nom)), ?) > 0
  ) ORDER BY id LIMIT ?`

const forgetLogins = `DELETE FROM connexions_par_heure WHERE (heure, utilisateur_id) IN (
    SELECT heure, utilisateur_id FROM connexions_par_heure WHERE heure <= ? ORDER BY heure LIMIT ?)`

const countLogin = `INSERT INTO connexions_par_heure (heure, utilisateur_id, connexions) VALUES (?, ?, 1)
  ON CONFLICT DO UPDATE SET connexions = connexions + 1`

type Row = AccountRow & {
  readonly mot_de_passe: string | null
  readonly derniere_connexion_ms: bigint | null
  readonly logins: bigint
}

/** The accounts in an SQLite file whose tables exist (`migrateSqlite`). Calls run at once, in the event loop. */
export function createSqliteAccounts(database: DatabaseSync): Accounts {
  // SQLite's own lower() knows ASCII only.
  database.function('lower_unicode', { deterministic: true }, (text) => String(text ?? '').toLowerCase())
  // BigInt, because ids go up to 2^63.
  const prepare = (text: string): StatementSync => {
    const statement = database.prepare(text)
    statement.setReadBigInts(true)
    return statement
  }
  const statements = {
    findByEmail: prepare(findByEmail),
    findById: prepare(sql.findById),
    findWithLastLogin: prepare(sql.findWithLastLogin),
    search: prepare(search),
    list: prepare(sql.list),
    insert: prepare(sql.insert),
    insertWithPlan: prepare(sql.insertWithPlan),
    remove: prepare(sql.remove),
    forgetLoginsOf: prepare(sql.forgetLoginsOf),
    forgetLogins: prepare(forgetLogins),
    setPasswordHash: prepare(sql.setPasswordHash),
    replacePasswordHash: prepare(replacePasswordHash),
    setLastLogin: prepare(sql.setLastLogin),
    countLogin: prepare(countLogin),
    recentLogins: prepare(sql.recentLogins),
    topLogins: prepare(sql.topLogins),
    ping: prepare('SELECT 1'),
  }
  const rows = (statement: StatementSync, ...values: SQLInputValue[]): Row[] =>
    answer(() => statement.all(...values)) as unknown as Row[]
  const changes = (statement: StatementSync, ...values: SQLInputValue[]): boolean =>
    answer(() => statement.run(...values)).changes > 0

  function inTransaction<T>(work: () => T): T {
    answer(() => database.exec('BEGIN IMMEDIATE'))
    try {
      const result = work()
      answer(() => database.exec('COMMIT'))
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  const findById: Accounts['findById'] = async (id) => {
    const [row] = rows(statements.findById, accountNumber(id))
    return row ? accountOf(row) : null
  }

  return {
    findById,
    async findByEmail(email) {
      const [row] = rows(statements.findByEmail, email)
      return row ? { account: accountOf(row), storedPassword: String(row.mot_de_passe ?? '') } : null
    },
    async findByIds(ids) {
      const found = await Promise.all([...new Set(ids)].map(findById))
      return found.filter((account) => account !== null)
    },
    async create({ firstName, lastName, email, passwordHash, role, plan = null }) {
      const values = [lastName, firstName, email, passwordHash, role]
      try {
        const { lastInsertRowid } = answer(() =>
          plan === null ? statements.insert.run(...values) : statements.insertWithPlan.run(...values, plan),
        )
        const id = String(lastInsertRowid)
        return { kind: 'created', account: { id, firstName, lastName, email, role, plan, isActive: true } }
      } catch (error) {
        if (sqliteCode(error) === constraintUnique) return { kind: 'email-taken' }
        throw error
      }
    },
    async list(afterId, limit) {
      return rows(statements.list, accountNumber(afterId) ?? 0n, BigInt(limit)).map(accountOf)
    },
    async search({ text, afterId, limit }) {
      const lower = text.toLowerCase()
      const found = rows(statements.search, accountNumber(afterId) ?? 0n, lower, lower, BigInt(limit))
      return found.map(withLastLogin)
    },
    async findWithLastLogin(id) {
      const [row] = rows(statements.findWithLastLogin, accountNumber(id))
      return row ? withLastLogin(row) : null
    },
    async update(id, changed) {
      const update = updateOf(accountNumber(id), changed)
      try {
        if (update !== null) changes(prepare(update.text), ...update.values)
      } catch (error) {
        if (sqliteCode(error) === constraintUnique) return { kind: 'email-taken' }
        throw error
      }
      const account = await findById(id)
      return account === null ? { kind: 'unknown' } : { kind: 'updated', account }
    },
    async remove(id) {
      const number = accountNumber(id)
      try {
        const isRemoved = inTransaction(() => {
          changes(statements.forgetLoginsOf, number)
          return changes(statements.remove, number)
        })
        return { kind: isRemoved ? 'removed' : 'unknown' }
      } catch (error) {
        if (sqliteCode(error) === constraintForeignKey) return { kind: 'referenced' }
        throw error
      }
    },
    async setPasswordHash(id, passwordHash, expected) {
      const values = [passwordHash, accountNumber(id)]
      return expected === undefined
        ? changes(statements.setPasswordHash, ...values)
        : changes(statements.replacePasswordHash, ...values, expected)
    },
    async recordLogin(id, atMs) {
      const number = accountNumber(id)
      const at = BigInt(Math.floor(atMs))
      inTransaction(() => {
        if (!changes(statements.setLastLogin, at, at, number)) return
        changes(statements.countLogin, hourOf(atMs), number)
      })
    },
    async recentLogins(limit) {
      return rows(statements.recentLogins, BigInt(limit)).map((row) => ({
        account: accountOf(row),
        atMs: Number(row.derniere_connexion_ms),
      }))
    },
    async topLogins(sinceMs, limit) {
      return rows(statements.topLogins, hourBefore(sinceMs), BigInt(limit)).map((row) => ({
        account: accountOf(row),
        logins: Number(row.logins),
      }))
    },
    async forgetLogins(untilMs, most) {
      return Number(answer(() => statements.forgetLogins.run(hourBefore(untilMs), most)).changes)
    },
    async ping() {
      rows(statements.ping)
    },
  }
}

const constraintUnique = 2067
const constraintForeignKey = 787

export const sqliteCode = (error: unknown): number => Number((error as { errcode?: number }).errcode)

/** Busy, locked, full disk or a file that went away; anything else is a mistake of ours. */
const isAway = (code: number): boolean => [5, 6, 8, 10, 13, 14].includes(code & 0xff)

/** @throws AccountsUnavailable when the file cannot answer; the question's own error otherwise. */
export function answer<T>(ask: () => T): T {
  try {
    return ask()
  } catch (error) {
    throw isAway(sqliteCode(error)) ? new AccountsUnavailable(error) : error
  }
}
