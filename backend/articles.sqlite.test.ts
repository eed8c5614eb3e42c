import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { articlesContract } from './articles.contract.ts'
import { openSqliteArticles } from './articles.sqlite.ts'

articlesContract('articles in SQLite', async () => openSqliteArticles(':memory:'))

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'etuservices-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

test('two processes on one file: one of two buyers gets the article', async () => {
  const file = join(await folder(), 'new', 'shop.sqlite')
  const first = openSqliteArticles(file)
  const second = openSqliteArticles(file)
  onTestFinished(async () => {
    await first.close()
    await second.close()
  })
  const { id } = await first.offer({
    title: 'Go',
    category: 'jeu',
    priceCents: 0,
    description: '',
    sellerId: 'anne',
    sellerName: '',
    listedAt: new Date(),
  })
  const outcomes = await Promise.all([first.buy(id, 'bob', new Date()), second.buy(id, 'eve', new Date())])
  expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['already-sold', 'bought'])
})

test('a file that is no database is refused at once', async () => {
  const file = join(await folder(), 'text.sqlite')
  await writeFile(file, 'not a database, but long enough to be looked at '.repeat(50))
  expect(() => openSqliteArticles(file)).toThrow('not a database')
})
