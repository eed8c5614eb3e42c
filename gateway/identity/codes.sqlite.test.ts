import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openSqlite } from '../connections/sqlite.ts'
import { AccountsUnavailable } from './accounts.ts'
import { codesContract } from './codes.contract.ts'
import { createSqliteCodes } from './codes.sqlite.ts'
import { migrateSqlite } from './migrations.sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'guichet-codes-'))
afterAll(() => rmSync(folder, { recursive: true }))

codesContract('an SQLite file', async () => {
  const file = join(folder, 'shared.sqlite')
  using opening = new DisposableStack()
  const { database } = opening.use(openSqlite(file))
  const other = opening.use(openSqlite(file))
  migrateSqlite(database)
  const opened = opening.move()
  return {
    codes: createSqliteCodes(database),
    others: createSqliteCodes(other.database),
    async countRows() {
      return Number(database.prepare('SELECT COUNT(*) AS owners FROM guichet_codes').get()?.owners)
    },
    [Symbol.asyncDispose]: async () => opened.dispose(),
  }
})

test('a file that another process keeps locked is AccountsUnavailable, and works again afterwards', async () => {
  using one = openSqlite(join(folder, 'locked.sqlite'))
  using other = openSqlite(join(folder, 'locked.sqlite'))
  migrateSqlite(one.database)
  const codes = createSqliteCodes(one.database)
  one.database.exec('PRAGMA busy_timeout = 10')
  other.database.exec('BEGIN IMMEDIATE')
  await expect(codes.forget('registration', 'ada')).rejects.toBeInstanceOf(AccountsUnavailable)
  await expect(codes.spend('registration', 'ada', 'x', 0)).rejects.toBeInstanceOf(AccountsUnavailable)
  other.database.exec('ROLLBACK')
  await expect(codes.forget('registration', 'ada')).resolves.toBeUndefined()
})
