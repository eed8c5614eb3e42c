import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { openSqlite } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'guichet-sqlite-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('a new file, and what SQLite puts beside it, is for its owner alone; one that is there keeps its mode', () => {
  const directory = join(folder, 'made', 'by', 'us')
  const file = join(directory, 'guichet.sqlite')
  const modes = () => readdirSync(directory).map((name) => statSync(join(directory, name)).mode & 0o777)
  for (const mode of [0o600, 0o640]) {
    using connection = openSqlite(file)
    connection.database.exec('CREATE TABLE IF NOT EXISTS t (x)')
    expect(modes()).toEqual([mode, mode, mode])
    chmodSync(file, 0o640)
  }
})
