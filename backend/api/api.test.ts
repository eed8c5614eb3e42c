import { expect, test } from 'vitest'
import { openMysqlArticles } from '../articles.mysql.ts'
import { openSqliteArticles } from '../articles.sqlite.ts'
import { ArticlesUnavailable } from '../articles.ts'
import { anne, articleIn, articlesIn, bob, startTestApp } from '../test-app.ts'
import { newMysqlDatabase } from '../test-database.ts'

const prince = { title: 'Le Petit Prince', category: 'livre', priceCents: 450 }

async function problem(answer: Response) {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  const body = (await answer.json()) as { status: number; code: string; detail: string }
  expect(body.status).toBe(answer.status)
  return body
}

test('an article sold through the API is found, bought once and told as sold', async () => {
  const { call, sell } = await startTestApp()
  const created = await sell(prince)
  expect(created.status).toBe(201)
  const article = await articleIn(created)
  expect(created.headers.get('location')).toBe(`/api/achat/${article.id}`)
  const offered = {
    ...prince,
    description: '',
    sellerName: 'Anne Martin',
    listedAt: '2026-03-04T05:06:07.000Z',
  }
  expect(article).toEqual({ id: article.id, ...offered, status: 'on-sale' })
  expect(await (await call('/api/achat?q=prince&category=livre')).json()).toEqual({
    articles: [article],
    nextOffset: null,
  })

  const bought = await call(`/api/achat/${article.id}`, { method: 'POST', headers: bob })
  expect(bought.status).toBe(200)
  const sold = { ...article, status: 'sold', soldAt: '2026-03-04T05:06:07.000Z' }
  expect(await bought.json()).toEqual(sold)
  expect(await (await call('/api/achat')).json()).toEqual({ articles: [], nextOffset: null })
  expect(await (await call(`/api/achat/${article.id}`)).json()).toEqual(sold)
  expect(await (await call('/api/vente', { headers: anne })).json()).toMatchObject({ articles: [sold] })
  const again = await call(`/api/achat/${article.id}`, { method: 'POST', headers: bob })
  expect(await problem(again)).toMatchObject({ status: 409, code: 'already-sold' })
})

test('a withdrawal: theirs 403, mine 204, gone 404, sold 409', async () => {
  const { call, sell } = await startTestApp()
  const withdraw = (id: number | string, headers: Record<string, string> = anne) =>
    call(`/api/vente/${id}`, { method: 'DELETE', headers })
  const { id } = await articleIn(await sell(prince))
  expect(await problem(await withdraw(id, bob))).toMatchObject({ status: 403, code: 'not-yours' })
  expect((await withdraw(id)).status).toBe(204)
  expect(await problem(await withdraw(id))).toMatchObject({ status: 404 })
  const sold = await articleIn(await sell(prince))
  await call(`/api/achat/${sold.id}`, { method: 'POST', headers: bob })
  expect(await problem(await withdraw(sold.id))).toMatchObject({ status: 409, code: 'already-sold' })
})

test('one does not buy what is one’s own, nor what is not there', async () => {
  const { call, sell } = await startTestApp()
  const { id } = await articleIn(await sell(prince))
  const buy = (what: unknown) => call(`/api/achat/${what}`, { method: 'POST', headers: anne })
  expect(await problem(await buy(id))).toMatchObject({ status: 409, code: 'own-article' })
  for (const what of [id + 1, 0, -1, 'x', '1e3', '9'.repeat(30), '%00', '__proto__']) {
    expect(await problem(await buy(what))).toMatchObject({ status: 404, code: 'not-found' })
  }
})

test('an anonymous caller reads everything and writes nothing', async () => {
  const { call, sell } = await startTestApp()
  const { id } = await articleIn(await sell(prince))
  expect((await call('/api/achat')).status).toBe(200)
  expect((await call(`/api/achat/${id}`)).status).toBe(200)
  expect(await (await call('/api/vente')).json()).toEqual({ articles: [], nextOffset: null })
  const writes = [
    await sell(prince, {}),
    await sell({ broken: true }, {}),
    await call(`/api/achat/${id}`, { method: 'POST' }),
    await call(`/api/vente/${id}`, { method: 'DELETE' }),
  ]
  for (const answer of writes) {
    expect(answer.headers.get('www-authenticate')).not.toBeNull()
    expect(await problem(answer)).toMatchObject({ status: 401, code: 'login-required' })
  }
  expect(await (await call(`/api/achat/${id}`)).json()).toMatchObject({ status: 'on-sale' })
})

test('slices follow each other to the end', async () => {
  const { call, sell } = await startTestApp()
  for (const title of ['a', 'b', 'c']) await sell({ ...prince, title })
  const first = await articlesIn(await call('/api/achat?limit=2'))
  expect(first.nextOffset).toBe(2)
  const last = await articlesIn(await call(`/api/achat?limit=2&offset=${first.nextOffset}`))
  expect(last.nextOffset).toBeNull()
  expect([...first.articles, ...last.articles].map(({ title }) => title)).toEqual(['c', 'b', 'a'])
})

test.for(['limit=0', 'limit=101', 'limit=x', 'offset=-1', 'offset=10001', 'category=arme', 'q=a&q=b'])(
  'the query %s is refused with its reason',
  async (query) => {
    const { call } = await startTestApp()
    const { status, detail } = await problem(await call(`/api/achat?${query}`))
    expect(status).toBe(400)
    expect(detail).toContain(query.split('=')[0])
  },
)

test.for([
  ['no field', {}],
  ['an empty title', { ...prince, title: '' }],
  ['a blank title', { ...prince, title: '   ' }],
  ['a number for a title', { ...prince, title: 5 }],
  ['a title too long', { ...prince, title: 'x'.repeat(121) }],
  ['two lines of title', { ...prince, title: 'two\nlines' }],
  ['NUL', { ...prince, title: 'nul \0' }],
  ['half a surrogate pair', { ...prince, title: 'half \ud800' }],
  ['an unknown category', { ...prince, category: 'arme' }],
  ['a negative price', { ...prince, priceCents: -1 }],
  ['half a cent', { ...prince, priceCents: 1.5 }],
  ['a text for a price', { ...prince, priceCents: '450' }],
  ['a price beyond the column', { ...prince, priceCents: 1e12 }],
  ['a description too long', { ...prince, description: 'x'.repeat(2_001) }],
  ['an object for a description', { ...prince, description: { $ne: '' } }],
  ['someone else’s name', { ...prince, sellerId: 'someone-else' }],
] as const)('an article with %s is refused', async ([, body]) => {
  const { call, sell } = await startTestApp()
  expect(await problem(await sell(body))).toMatchObject({ status: 400, code: 'invalid-request' })
  expect(await (await call('/api/achat')).json()).toEqual({ articles: [], nextOffset: null })
})

test('bodies that are no JSON, too large or of another type are refused as such', async () => {
  const { call } = await startTestApp()
  const send = async (type: string, body: string) =>
    (
      await problem(
        await call('/api/vente', { method: 'POST', headers: { ...anne, 'content-type': type }, body }),
      )
    ).status
  expect(await send('application/json', '{"title":')).toBe(400)
  expect(await send('application/json', '{"__proto__":{"title":"x"}}')).toBe(400)
  expect(await send('application/json', `{"title":"${'x'.repeat(70_000)}"}`)).toBe(413)
  expect(await send('text/plain', JSON.stringify(prince))).toBe(415)
})

test('a write that another site’s page sends is refused', async () => {
  const { call, sell } = await startTestApp()
  const { id } = await articleIn(await sell(prince))
  const headers = { ...bob, 'sec-fetch-site': 'cross-site' }
  const answer = await call(`/api/achat/${id}`, { method: 'POST', headers })
  expect(await problem(answer)).toMatchObject({ status: 403, code: 'cross-site' })
  expect((await call('/api/achat', { headers })).status).toBe(200)
})

const homes = {
  SQLite: async () => openSqliteArticles(':memory:'),
  MySQL: async () => openMysqlArticles(await newMysqlDatabase()),
}

test.for(['SQLite', 'MySQL'] as const)('of thirty parallel buyers one wins, on %s', async (home) => {
  const { call, sell } = await startTestApp(await homes[home]())
  const { id } = await articleIn(await sell(prince))
  const buy = (_: unknown, n: number) =>
    call(`/api/achat/${id}`, { method: 'POST', headers: { 'x-forwarded-user': `buyer-${n}` } })
  const answers = await Promise.all(Array.from({ length: 30 }, buy))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...new Array(29).fill(409)])
})

const naughty = [
  '😀👩‍👩‍👧‍👦',
  '\u202eRTL مرحبا',
  `'; DROP TABLE articles; --`,
  '" OR 1=1 #',
  '<script>alert(1)</script>',
  '<%= it %>#{7*7}{{7*7}}%s%n',
  '../../etc/passwd',
  'null',
  '\\',
  ' spaces ',
  'Zalgo Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢',
]

test.for(['SQLite', 'MySQL'] as const)(
  'naughty strings come back as they were given, on %s',
  async (home) => {
    const { call, sell } = await startTestApp(await homes[home]())
    for (const text of naughty) {
      const created = await sell({ ...prince, title: text, description: text })
      expect(created.status, text).toBe(201)
      const { id } = await articleIn(created)
      const kept = await (await call(`/api/achat/${id}`)).json()
      expect(kept).toMatchObject({ title: text, description: text })
      expect((await call(`/api/achat?q=${encodeURIComponent(text)}`)).status, text).toBe(200)
    }
    expect((await call('/api/achat?q=%00%ff&limit=1')).status).toBe(200)
  },
)

test('a database that is away is told as such, and tells nothing of itself', async () => {
  const away = openSqliteArticles(':memory:')
  const onSale = async () => {
    throw new ArticlesUnavailable('SELECT secret', { cause: new Error('SELECT secret') })
  }
  const { call } = await startTestApp({ ...away, onSale })
  const answer = await call('/api/achat')
  expect(answer.headers.get('retry-after')).toBe('5')
  const told = await problem(answer)
  expect(told).toMatchObject({ status: 503, code: 'unavailable' })
  expect(JSON.stringify(told)).not.toContain('SELECT')
  const page = await call('/services/achat')
  expect(page.status).toBe(503)
  expect(await page.text()).not.toContain('SELECT')
})
