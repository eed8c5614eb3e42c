import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MysqlConnection, openMysql } from '../connections/mysql.ts'
import { createDatabase, type PrivateMariadb, startMariadb } from '../test/servers/mariadb.ts'
import { createMysqlAccounts } from './accounts.mysql.ts'
import { type Accounts, AccountsUnavailable } from './accounts.ts'
import { migrateMysql } from './migrations.mysql.ts'

const deadlineMs = 400

let server: PrivateMariadb
let mysql: MysqlConnection
let accounts: Accounts
beforeAll(async () => {
  server = await startMariadb()
  mysql = await openMysql(await createDatabase(server.url()), { deadlineMs, connectionLimit: 3 })
  await migrateMysql(mysql)
  accounts = createMysqlAccounts(mysql)
})
afterAll(async () => {
  await mysql?.[Symbol.asyncDispose]()
  await server?.stop()
})

const elapsedOf = async (asked: Promise<unknown>): Promise<number> => {
  const startedMs = performance.now()
  await expect(asked).rejects.toBeInstanceOf(AccountsUnavailable)
  return performance.now() - startedMs
}

test('a frozen server: every call rejects within the deadline, those that queue too; then all is well again', async () => {
  await Promise.all(Array.from({ length: 3 }, () => accounts.ping()))
  server.freeze()
  const calls = Array.from({ length: 12 }, (_, i) =>
    i % 2 ? accounts.findById('1') : accounts.recordLogin('1', 0),
  )
  for (const elapsedMs of await Promise.all(calls.map(elapsedOf)))
    expect(elapsedMs).toBeLessThan(deadlineMs + 300)
  // The old connections are gone by now: this is a new one, which cannot even greet.
  expect(await elapsedOf(accounts.ping())).toBeLessThan(deadlineMs + 300)
  server.thaw()
  await expect.poll(() => accounts.ping().then(() => 'back', String), { timeout: 5_000 }).toBe('back')
  const results = await Promise.all(Array.from({ length: 12 }, () => accounts.findById('1')))
  expect(results).toEqual(Array(12).fill(null))
})

test('a killed server: calls reject at once with 503 and a Retry-After; it recovers alone', async () => {
  await accounts.ping()
  await server.kill()
  const asked = accounts.findByEmail('a@example.org')
  await expect(asked).rejects.toMatchObject({ status: 503, details: { retryAfterSeconds: 1 } })
  expect(await elapsedOf(accounts.ping())).toBeLessThan(deadlineMs + 300)
  await server.restart()
  await expect.poll(() => accounts.ping().then(() => 'back', String), { timeout: 5_000 }).toBe('back')
  expect(
    await accounts.create({
      firstName: 'A',
      lastName: 'B',
      email: 'a@example.org',
      passwordHash: 'x',
      role: 'user',
    }),
  ).toMatchObject({ kind: 'created' })
})

test('someone who holds a lock makes the login unavailable, not endless', async () => {
  const { id } = (await accounts.list('0', 1))[0] ?? { id: '' }
  const holder = await mysql.pool.getConnection()
  await holder.beginTransaction()
  await holder.query('SELECT * FROM utilisateurs FOR UPDATE')
  expect(await elapsedOf(accounts.recordLogin(id, 0))).toBeLessThan(deadlineMs + 300)
  await holder.rollback()
  holder.release()
  await expect(accounts.recordLogin(id, 0)).resolves.toBeUndefined()
})

test('a mistake in the SQL is not taken for a server that is away', async () => {
  await mysql.pool.query('RENAME TABLE connexions_par_heure TO elsewhere')
  await expect(accounts.topLogins(0, 3)).rejects.toMatchObject({ code: 'ER_NO_SUCH_TABLE' })
  await mysql.pool.query('RENAME TABLE elsewhere TO connexions_par_heure')
})

test('closing does not wait for a frozen server longer than the deadline', async () => {
  const other = await openMysql(server.url(), { deadlineMs })
  server.freeze()
  const startedMs = performance.now()
  await other[Symbol.asyncDispose]()
  expect(performance.now() - startedMs).toBeLessThan(deadlineMs + 300)
  server.thaw()
})
