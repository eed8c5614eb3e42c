import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MysqlConnection, openMysql } from '../connections/mysql.ts'
import { createDatabase, type PrivateMariadb, startMariadb } from '../test/servers/mariadb.ts'
import { AccountsUnavailable } from './accounts.ts'
import { createMysqlCodes } from './codes.mysql.ts'
import type { Codes, NewCode } from './codes.ts'
import { migrateMysql } from './migrations.mysql.ts'

const deadlineMs = 400
const code: NewCode = {
  purpose: 'registration',
  owner: 'ada@example.org',
  codeHash: 'good',
  payload: {},
  issuedAtMs: 0,
  expiresAtMs: 1_000,
}

let server: PrivateMariadb
let mysql: MysqlConnection
let codes: Codes
beforeAll(async () => {
  server = await startMariadb()
  mysql = await openMysql(await createDatabase(server.url()), { deadlineMs, connectionLimit: 3 })
  await migrateMysql(mysql)
  codes = createMysqlCodes(mysql)
})
afterAll(async () => {
  await mysql?.[Symbol.asyncDispose]()
  await server?.stop()
})

const calls = (): Promise<unknown>[] => [
  codes.issue(code),
  codes.renew(code),
  codes.spend('registration', 'ada@example.org', 'good', 0),
  codes.forget('registration', 'ada@example.org'),
]

async function expectAllUnavailableInTime(asked: readonly Promise<unknown>[]): Promise<void> {
  const startedMs = performance.now()
  const settled = await Promise.allSettled(asked)
  expect(performance.now() - startedMs).toBeLessThan(deadlineMs + 300)
  for (const answer of settled) {
    expect(answer).toMatchObject({ status: 'rejected', reason: expect.any(AccountsUnavailable) })
  }
}

const untilBack = () =>
  expect.poll(() => Promise.all(calls()).then(() => 'back', String), { timeout: 5_000 }).toBe('back')

test('a frozen server: every call is AccountsUnavailable within the deadline; then all is well again', async () => {
  await codes.issue(code)
  server.freeze()
  await expectAllUnavailableInTime([...calls(), ...calls(), ...calls()])
  server.thaw()
  await untilBack()
})

test('a killed server: every call is AccountsUnavailable within the deadline; it recovers alone', async () => {
  await server.kill()
  await expectAllUnavailableInTime(calls())
  await server.restart()
  await untilBack()
})

test('someone who holds the row makes the code unavailable, not endless', async () => {
  const holder = await mysql.pool.getConnection()
  await holder.beginTransaction()
  await holder.query('SELECT * FROM guichet_codes FOR UPDATE')
  await expectAllUnavailableInTime([codes.spend('registration', 'ada@example.org', 'good', 0)])
  await holder.rollback()
  holder.release()
  await untilBack()
})
