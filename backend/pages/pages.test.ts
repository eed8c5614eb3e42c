import { expect, test } from 'vitest'
import { anne, bob, startTestApp } from '../test-app.ts'

const form = { title: 'Le Petit Prince', category: 'livre', price: '4,50', description: 'Corné.\r\nLu.' }

test('every page is a whole document with its language, a title, a skip link and no script', async () => {
  const { call } = await startTestApp()
  for (const path of ['/', '/services', '/services/vente', '/services/achat', '/nothing']) {
    for (const headers of [{}, anne]) {
      const html = await (await call(path, { headers })).text()
      expect(html, path).toMatch(/^\s*<!doctype html>\s*<html lang="fr">/)
      expect(html).toContain('<a class="skip" href="#main">')
      expect(html).toMatch(/<title>[^<]+ – EtuServices<\/title>/)
      expect(html).not.toContain('<script')
      expect(html).not.toContain('undefined')
    }
  }
})

test('the stylesheet is served to caches under a versioned address', async () => {
  const { call } = await startTestApp()
  const href = /href="(\/assets\/site\.css\?v=[\w-]+)"/.exec(await (await call('/')).text())?.[1]
  const css = await call(href ?? 'missing')
  expect(css.status).toBe(200)
  expect(css.headers.get('content-type')).toBe('text/css; charset=utf-8')
  expect(css.headers.get('cache-control')).toContain('public')
})

test('an article sold on the page is listed, bought by another and seen by both', async () => {
  const { call, post, articles } = await startTestApp()
  const sold = await post('/services/vente', form)
  expect([sold.status, sold.headers.get('location')]).toEqual([303, '/services/vente?done=listed'])
  const [article] = (await articles.onSale({ limit: 1, offset: 0 })).articles
  expect(article).toMatchObject({ priceCents: 450, description: 'Corné.\nLu.', sellerName: 'Anne Martin' })
  const mine = await (await call('/services/vente?done=listed', { headers: anne })).text()
  expect(mine).toContain('Votre article est en vente.')
  expect(mine).toContain(`/services/vente/${article?.id}/retrait`)
  const offered = await (await call('/services/achat?q=PRINCE&category=livre', { headers: bob })).text()
  expect(offered).toContain('Vendu par <bdi>Anne Martin</bdi>')
  expect(offered).toMatch(/4,50\s€/)

  const bought = await post(`/services/achat/${article?.id}`, {}, bob)
  expect([bought.status, bought.headers.get('location')]).toEqual([303, '/services/achat?done=bought'])
  const after = await (await call('/services/achat', { headers: bob })).text()
  expect(after.indexOf('Le Petit Prince')).toBeGreaterThan(after.indexOf('Mes achats'))
  const seller = await (await call('/services/vente', { headers: anne })).text()
  expect(seller.indexOf('Le Petit Prince')).toBeGreaterThan(seller.indexOf('Mes articles vendus'))
})

test('a seller withdraws on the page; another may not', async () => {
  const { post, articles } = await startTestApp()
  await post('/services/vente', form)
  const id = (await articles.onSale({ limit: 1, offset: 0 })).articles[0]?.id
  const theirs = await post(`/services/vente/${id}/retrait`, {}, bob)
  expect(theirs.status).toBe(403)
  expect(await theirs.text()).toContain('Cet article n’est pas à vous')
  const mine = await post(`/services/vente/${id}/retrait`, {})
  expect([mine.status, mine.headers.get('location')]).toEqual([303, '/services/vente?done=withdrawn'])
  expect(await articles.find(id ?? 0)).toBeUndefined()
})

test('a mistaken form comes back filled in, each mistake named beside its field', async () => {
  const { post, articles } = await startTestApp()
  const answer = await post('/services/vente', { ...form, title: ' ', price: 'cher', description: '<b>"x"' })
  const html = await answer.text()
  expect(answer.status).toBe(400)
  expect(html).toContain('value="cher"')
  expect(html).toContain('&lt;b&gt;&quot;x&quot;</textarea>')
  expect(html).toContain('<option value="livre" selected>')
  expect(html).toMatch(/id="title"[^>]*aria-describedby="title-mistake" aria-invalid="true"/)
  expect(html).toMatch(/id="price"[^>]*aria-describedby="price-hint price-mistake" aria-invalid="true"/)
  expect((await articles.onSale({ limit: 1, offset: 0 })).articles).toEqual([])
})

test('what people typed is text on every page, never markup', async () => {
  const { call, post } = await startTestApp()
  const markup = `<img src=x onerror="alert(1)">'`
  const evil = { 'x-forwarded-user': markup, 'x-forwarded-name': encodeURIComponent(markup) }
  await post('/services/vente', { ...form, title: markup, description: markup }, evil)
  const search = `q=${encodeURIComponent(markup)}&lang=fr`
  for (const path of [`/services/achat?${search}`, `/services/vente?${search}`, `/%3Cimg%3E?${search}`]) {
    for (const headers of [evil, bob]) {
      const html = await (await call(path, { headers })).text()
      expect(html).not.toContain('<img')
    }
  }
})

test('an anonymous visitor sees articles without a button, and a login page instead of an error', async () => {
  const { call, post, articles } = await startTestApp()
  await post('/services/vente', form)
  const html = await (await call('/services/achat')).text()
  expect(html).toContain('Le Petit Prince')
  expect(html).not.toContain('action="/services/achat/')
  expect(html).toContain('href="/auth/login"')
  for (const path of ['/services/vente', '/services/vente/1/retrait', '/services/achat/1']) {
    const answer = await post(path, form, {})
    expect(answer.status).toBe(401)
    expect(await answer.text()).toContain('Connexion nécessaire')
  }
  expect((await articles.onSale({ limit: 5, offset: 0 })).articles).toHaveLength(1)
})

test.each([
  ['fr', 'Mon compte'],
  ['en', 'My account'],
])('whoever is connected finds the way to the account (%s)', async (language, label) => {
  const { call } = await startTestApp()
  const link = `<a href="/auth/account">${label}</a>`
  for (const path of ['/', '/services/achat']) {
    const page = (headers = {}) =>
      call(`${path}?lang=${language}`, { headers }).then((answer) => answer.text())
    expect(await page(anne)).toContain(link)
    expect(await page()).not.toContain('/auth/account')
  }
})

test('a form that another site posts is refused', async () => {
  const { post, articles } = await startTestApp()
  const answer = await post('/services/vente', form, { ...anne, 'sec-fetch-site': 'cross-site' })
  expect(answer.status).toBe(403)
  expect((await articles.onSale({ limit: 1, offset: 0 })).articles).toEqual([])
})

test('English is chosen by ?lang=, kept in a cookie, else by Accept-Language', async () => {
  const { call } = await startTestApp()
  const languageOf = async (path: string, headers: Record<string, string> = {}) =>
    (await call(path, { headers })).headers.get('content-language')
  const asked = await call('/?lang=en')
  expect(asked.headers.get('set-cookie')).toMatch(/^lang=en; Path=\/; Max-Age=\d+; SameSite=Lax/)
  expect(await asked.text()).toContain('Buy and sell among students')
  expect(await languageOf('/', { cookie: 'a=b; lang=en', 'accept-language': 'fr' })).toBe('en')
  expect(await languageOf('/?lang=fr', { cookie: 'lang=en' })).toBe('fr')
  expect(await languageOf('/', { 'accept-language': 'en-GB,en;q=0.9,fr;q=0.5' })).toBe('en')
  expect(await languageOf('/', { 'accept-language': 'fr;q=0.4, en;q=0.3' })).toBe('fr')
  expect(await languageOf('/', { 'accept-language': 'de' })).toBe('fr')
  expect(await languageOf('/?lang=xx&lang=en')).toBe('fr')
})

test('pages follow each other and keep the search', async () => {
  const { call, sell } = await startTestApp()
  for (let n = 1; n <= 13; n++) await sell({ title: `Tome ${n}.`, category: 'livre', priceCents: n })
  const first = await (await call('/services/achat?q=tome&category=livre')).text()
  expect(first).toContain('href="/services/achat?q=tome&amp;category=livre&amp;page=2"')
  expect(first).not.toContain('Tome 1.')
  const last = await (await call('/services/achat?q=tome&category=livre&page=2')).text()
  expect(last).toContain('Tome 1.')
  expect(last).not.toContain('rel="next"')
})
