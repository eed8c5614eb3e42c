import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, test } from 'vitest'
import { openMysql } from '../connections/mysql.ts'
import { createDatabase } from '../test/servers/mariadb.ts'
import { migrateMysql } from './migrations.mysql.ts'
import { migrations } from './migrations.ts'

const names = migrations.map(({ name }) => name)

test('migrations are numbered from 1 without a gap', () => {
  expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, index) => index + 1))
})

test('in MySQL gateways that start at once all succeed, and each migration runs once', async () => {
  const url = await createDatabase(inject('mysqlUrl'))
  const opened = await Promise.all(Array.from({ length: 5 }, () => openMysql(url)))
  const reports = await Promise.all(opened.map((mysql) => migrateMysql(mysql)))
  expect(reports.flatMap(({ ran }) => ran)).toEqual(names)
  await Promise.all(opened.map((mysql) => mysql[Symbol.asyncDispose]()))
})

test('in SQLite processes that start at once all succeed, and each migration runs once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guichet-migrations-'))
  const program = `
    const { openSqlite } = await import(${JSON.stringify(new URL('../connections/sqlite.ts', import.meta.url).href)})
    const { migrateSqlite } = await import(${JSON.stringify(new URL('./migrations.sqlite.ts', import.meta.url).href)})
    const { database } = openSqlite(process.argv[1])
    console.log(JSON.stringify(migrateSqlite(database).ran))`
  try {
    const run = promisify(execFile)
    const outputs = await Promise.all(
      Array.from({ length: 4 }, () =>
        run(process.execPath, ['--input-type=module', '-e', program, join(folder, 'accounts.sqlite')]),
      ),
    )
    expect(outputs.flatMap(({ stdout }) => JSON.parse(stdout))).toEqual(names)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
