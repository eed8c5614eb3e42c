import { describe, expect, test } from 'vitest'
import type { Articles, NewArticle } from './articles.ts'

const all = { limit: 100, offset: 0 }

/** What every home of Articles promises. `open` gives an empty shelf at each call; the suite closes it. */
export function articlesContract(name: string, open: () => Promise<Articles>): void {
  const shelf = (promise: string, keep: (articles: Articles) => Promise<void>) =>
    test(promise, async () => {
      const articles = await open()
      try {
        await keep(articles)
      } finally {
        await articles.close()
      }
    })
  const titles = (slice: { articles: { title: string }[] }) => slice.articles.map(({ title }) => title)

  describe(name, () => {
    shelf('an offered article is found as it was given', async (articles) => {
      const given = offerOf({
        title: 'Vélo « course » 😀',
        description: "Deux lignes\nd'œuvre \u202e'\"%_\\",
      })
      const offered = await articles.offer(given)
      expect(await articles.find(offered.id)).toEqual({ ...given, id: offered.id })
      expect(await articles.find(offered.id + 1)).toBeUndefined()
    })

    shelf('a slice is newest first and tells whether more follow', async (articles) => {
      for (const title of ['a', 'b', 'c']) await articles.offer(offerOf({ title }))
      const first = await articles.onSale({ limit: 2, offset: 0 })
      expect(titles(first)).toEqual(['c', 'b'])
      expect(first.hasMore).toBe(true)
      const last = await articles.onSale({ limit: 2, offset: 2 })
      expect(titles(last)).toEqual(['a'])
      expect(last.hasMore).toBe(false)
    })

    shelf('a search ignores case and accents, and takes % and _ as they are', async (articles) => {
      await articles.offer(offerOf({ title: 'Étagère', category: 'maison' }))
      await articles.offer(offerOf({ title: 'Roman', description: 'À 100% neuf, code A_B!' }))
      const found = async (text: string) => titles(await articles.onSale({ ...all, text }))
      expect(await found('ETAGERE')).toEqual(['Étagère'])
      expect(await found('étag')).toEqual(['Étagère'])
      expect(await found('100%')).toEqual(['Roman'])
      expect(await found('a_b!')).toEqual(['Roman'])
      expect(await found('%')).toEqual(['Roman'])
      expect(await found('a-b')).toEqual([])
      expect(await found('')).toHaveLength(2)
    })

    shelf('a category shows only its own', async (articles) => {
      await articles.offer(offerOf({ title: 'film', category: 'dvd' }))
      await articles.offer(offerOf({ title: 'roman', category: 'livre' }))
      expect(titles(await articles.onSale({ ...all, category: 'dvd' }))).toEqual(['film'])
      expect(titles(await articles.onSale({ ...all, category: 'dvd', text: 'rom' }))).toEqual([])
    })

    shelf('of twenty buyers at once exactly one buys', async (articles) => {
      const { id } = await articles.offer(offerOf())
      const buyers = Array.from({ length: 20 }, (_, n) => `buyer-${n}`)
      const outcomes = await Promise.all(buyers.map((buyer) => articles.buy(id, buyer, new Date(5_000))))
      const winner = outcomes.findIndex(({ kind }) => kind === 'bought')
      expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual([
        ...new Array(19).fill('already-sold'),
        'bought',
      ])
      const sale = { buyerId: buyers[winner], soldAt: new Date(5_000) }
      expect(await articles.find(id)).toMatchObject({ sale })
      expect(await articles.onSale(all)).toEqual({ articles: [], hasMore: false })
      expect((await articles.ofBuyer(`buyer-${winner}`, all)).articles).toMatchObject([{ id, sale }])
    })

    shelf('nobody buys what is their own, or is not there', async (articles) => {
      const { id } = await articles.offer(offerOf({ sellerId: 'anne' }))
      expect(await articles.buy(id, 'anne', new Date())).toEqual({ kind: 'own-article' })
      expect(await articles.buy(id + 1, 'bob', new Date())).toEqual({ kind: 'not-found' })
      expect((await articles.find(id))?.sale).toBeUndefined()
    })

    shelf('ids that differ in case or accents are different people', async (articles) => {
      const { id } = await articles.offer(offerOf({ sellerId: 'José' }))
      for (const other of ['josé', 'jose', 'Jose']) {
        expect((await articles.ofSeller(other, all)).articles).toEqual([])
        expect(await articles.withdraw(id, other)).toEqual({ kind: 'not-yours' })
      }
      expect(await articles.buy(id, 'josé', new Date())).toMatchObject({ kind: 'bought' })
    })

    shelf('a seller withdraws what is theirs and not yet sold', async (articles) => {
      const { id } = await articles.offer(offerOf({ sellerId: 'anne' }))
      const sold = await articles.offer(offerOf({ sellerId: 'anne', title: 'sold' }))
      await articles.buy(sold.id, 'bob', new Date())
      expect(await articles.withdraw(id, 'bob')).toEqual({ kind: 'not-yours' })
      expect(await articles.withdraw(sold.id, 'anne')).toEqual({ kind: 'already-sold' })
      expect(await articles.withdraw(id, 'anne')).toEqual({ kind: 'withdrawn' })
      expect(await articles.withdraw(id, 'anne')).toEqual({ kind: 'not-found' })
      expect(titles(await articles.ofSeller('anne', all))).toEqual(['sold'])
      expect((await articles.offer(offerOf())).id).toBeGreaterThan(sold.id)
    })

    shelf('a buyer and a withdrawal at once: one of them gets the article', async (articles) => {
      const { id } = await articles.offer(offerOf({ sellerId: 'anne' }))
      const [bought, withdrawn] = await Promise.all([
        articles.buy(id, 'bob', new Date()),
        articles.withdraw(id, 'anne'),
      ])
      expect([bought.kind === 'bought', withdrawn.kind === 'withdrawn'].filter(Boolean)).toHaveLength(1)
    })

    shelf('first articles are inserted once, whoever starts at the same time', async (articles) => {
      const first = [offerOf({ title: 'one' }), offerOf({ title: 'two' })]
      const outcomes = await Promise.all([1, 2, 3].map(() => articles.insertIfEmpty(first)))
      expect(outcomes.toSorted()).toEqual(['inserted', 'kept', 'kept'])
      expect(titles(await articles.onSale(all))).toEqual(['two', 'one'])
    })

    shelf('the longest texts allowed fit', async (articles) => {
      const longest = offerOf({
        title: '😀'.repeat(120),
        description: 'ﷺ'.repeat(2_000), // one sign that search unfolds into eighteen
        sellerId: 'é'.repeat(255),
        sellerName: '😀'.repeat(100),
      })
      const { id } = await articles.offer(longest)
      expect(await articles.find(id)).toEqual({ ...longest, id })
    })
  })
}

function offerOf(change: Partial<NewArticle> = {}): NewArticle {
  return {
    title: 'Le Petit Prince',
    category: 'livre',
    priceCents: 450,
    description: '',
    sellerId: 'anne',
    sellerName: 'Anne Martin',
    listedAt: new Date('2026-03-04T05:06:07.089Z'),
    ...change,
  }
}
