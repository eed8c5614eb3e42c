import { expect, test } from 'vitest'
import { articlesContract } from './articles.contract.ts'
import { openMysqlArticles } from './articles.mysql.ts'
import { newMysqlDatabase } from './test-database.ts'

articlesContract('articles in MySQL', async () => openMysqlArticles(await newMysqlDatabase()))

test('a server that refuses is told at once', async () => {
  await expect(openMysqlArticles('mysql://root@127.0.0.1:9/shop')).rejects.toThrow('ECONNREFUSED')
})

test('two processes on one database: one of two buyers gets the article', async () => {
  const url = await newMysqlDatabase()
  const [first, second] = await Promise.all([openMysqlArticles(url), openMysqlArticles(url)])
  const article = { title: 'Go', category: 'jeu', priceCents: 0, description: '' } as const
  const { id } = await first.offer({ ...article, sellerId: 'anne', sellerName: '', listedAt: new Date() })
  const outcomes = await Promise.all([first.buy(id, 'bob', new Date()), second.buy(id, 'eve', new Date())])
  expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['already-sold', 'bought'])
  await Promise.all([first.close(), second.close()])
})
