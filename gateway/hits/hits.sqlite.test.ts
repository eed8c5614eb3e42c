import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { batchOf, hitsContract } from './hits.contract.ts'
import { createSqliteHits } from './hits.sqlite.ts'

hitsContract('SQLite', async () => createSqliteHits(new DatabaseSync(':memory:')))

test('counts, and what was already counted, survive a restart', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hits-'))
  try {
    const file = join(directory, 'hits.sqlite')
    const before = new DatabaseSync(file)
    await createSqliteHits(before).record(batchOf(1))
    before.close()
    const after = new DatabaseSync(file)
    const hits = createSqliteHits(after)
    await hits.record(batchOf(1))
    expect(await hits.services()).toEqual([{ service: 'vente', calls: 2 }])
    after.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a batch that fails half-way leaves nothing behind', async () => {
  const database = new DatabaseSync(':memory:')
  const hits = createSqliteHits(database)
  database.exec('ALTER TABLE hits_recent RENAME TO elsewhere')
  await expect(hits.record(batchOf(1))).rejects.toThrow()
  database.exec('ALTER TABLE elsewhere RENAME TO hits_recent')
  expect(await hits.services()).toEqual([])
  await hits.record(batchOf(1))
  expect(await hits.services()).toEqual([{ service: 'vente', calls: 2 }])
})
