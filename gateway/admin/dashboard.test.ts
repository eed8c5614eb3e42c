import fastify from 'fastify'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { GatewayError } from '../errors.ts'
import type { Person, Statistics } from '../hits/statistics.ts'
import { adminRoutes } from './admin.routes.ts'

const token = 'a-token-of-the-test'
const person = (id: number, changes: Partial<Person> = {}): Person => ({
  ...{ id: String(id), firstName: 'Ada', lastName: `Lovelace ${id}`, email: `ada${id}@example.org` },
  ...changes,
})
const script = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'

const statistics: Statistics = {
  recentLogins: async () => [1, 2].map((id) => ({ account: person(id), at: '2026-05-01T10:00:00.000Z' })),
  topLogins: async () => [{ account: person(1, { firstName: script }), logins: 12 }],
  leastActive: async () => [{ account: person(3), calls: 0 }],
  services: async () => [
    { service: 'vente', calls: 1_234 },
    { service: 'achat', calls: 0 },
  ],
  recentCalls: async () => [
    {
      ...{ at: '2026-05-01T10:00:00.000Z', accountId: '1', account: person(1), service: 'vente' },
      ...{ method: 'GET', path: `/services/vente/${'long-'.repeat(40)}`, status: 200, durationMs: 3.2 },
    },
  ],
}

const metricsText = `guichet_http_requests_total{route="vente",method="GET",code="200"} 40
guichet_decisions_total{policy="calls",decision="allowed",tier="store"} 30
guichet_decisions_total{policy="calls",decision="denied",tier="store"} 10
guichet_sessions 5
guichet_hits_pending 2
`

let browser: Browser
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  })
})
afterAll(() => browser.close())

async function openPage(
  options: { path?: string; width?: number; locale?: string; answers?: Statistics } = {},
) {
  const app = fastify()
  app.setErrorHandler<GatewayError>(({ status }, _request, reply) => reply.code(status).send())
  await app.register(adminRoutes, {
    ...{
      token,
      statistics: options.answers ?? statistics,
      config: {},
      limits: {} as never,
      accounts: {} as never,
      cache: {} as never,
      upstreams: {} as never,
    },
    checks: [
      { name: 'redis', isReady: async () => {} },
      { name: 'mysql', isReady: () => Promise.reject(new Error('away')) },
    ],
    metrics: { contentType: 'text/plain; version=0.0.4', scrape: async () => metricsText },
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const viewport = { width: options.width ?? 1_280, height: 900 }
  const context = await browser.newContext({ viewport, locale: options.locale ?? 'en-GB' })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // Chromium itself reports answers of 401 and 503; the page shows those in its own words.
    if (message.type() === 'error' && !message.text().includes('Failed to load resource')) {
      complaints.push(message.text())
    }
  })
  onTestFinished(async () => {
    await context.close()
    await app.close()
  })
  await page.goto(`${address}${options.path ?? `/#token=${token}`}`)
  return { page, complaints }
}

const text = (page: Page, selector: string) => page.locator(selector).innerText()

test('the token is asked for, a wrong one is refused, the right one opens the board', async () => {
  const { page, complaints } = await openPage({ path: '/' })
  await page.getByLabel('Token', { exact: true }).fill('wrong')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByRole('alert').filter({ hasText: 'This token is refused' }).waitFor()
  await page.getByLabel('Token', { exact: true }).fill(token)
  await page.getByRole('button', { name: 'Open' }).click()
  await page.locator('#services li').first().waitFor()
  expect(await page.getByRole('alert').isVisible()).toBe(false)
  expect(complaints).toEqual([])
  await page.getByRole('button', { name: 'Forget the token' }).click()
  expect(await page.evaluate('sessionStorage.length')).toBe(0)
  expect(await page.locator('#board').isVisible()).toBe(false)
})

test('a token in the fragment opens the board and leaves the address', async () => {
  const { page } = await openPage()
  await page.locator('#services li').first().waitFor()
  expect(page.url()).not.toContain('token')
})

test('the board shows the statistics, the decisions, the stores and the last calls', async () => {
  const { page, complaints } = await openPage()
  await page.locator('#services li').first().waitFor()
  expect(await text(page, '#services')).toMatch(/vente\s+1,234\s+achat\s+0/)
  expect(await text(page, '#top-logins')).toMatch(/ada1@example.org\s+12/)
  expect(await text(page, '#recent-logins')).toContain('Ada Lovelace 2')
  expect(await text(page, '#least-active')).toMatch(/ada3@example.org\s+0/)
  expect(await text(page, '#decisions')).toMatch(/calls\s+30 allowed\s+0 near the limit\s+10 denied/)
  expect(await text(page, '#stores')).toMatch(/redis\s+(● )?up\s+mysql\s+(▲ )?down/)
  expect(await text(page, '#calls')).toContain('GET /services/vente/long-')
  expect(await text(page, '#tiles')).toContain('25%')
  expect(complaints).toEqual([])
})

test('names that people chose are text, never markup', async () => {
  const { page } = await openPage()
  await page.locator('#top-logins li').first().waitFor()
  expect(await text(page, '#top-logins')).toContain(script)
  expect(await page.evaluate('window.broken')).toBeUndefined()
  expect(await page.locator('#board img, #board script').count()).toBe(0)
})

test('a store that is away blanks its own card only', async () => {
  const answers = { ...statistics, services: () => Promise.reject(new Error('away')) }
  const { page } = await openPage({ answers })
  await page.locator('#top-logins li').first().waitFor()
  expect(await text(page, '#services')).toBe('Not available right now.')
})

test('the page speaks French to French browsers, and remembers a change', async () => {
  const { page } = await openPage({ locale: 'fr-FR' })
  await page.locator('#services li').first().waitFor()
  expect(await text(page, '#services-title')).toBe('Services les plus utilisés')
  expect(await text(page, '#services')).toMatch(/1\s234/)
  await page.getByRole('button', { name: 'English' }).click()
  expect(await text(page, '#services-title')).toBe('Most used services')
  await page.reload()
  await page.locator('#services li').first().waitFor()
  expect(await page.locator('html').getAttribute('lang')).toBe('en')
})

describe.each([320, 360, 768, 1_280])('at %i pixels', (width) => {
  test('nothing is wider than the window, and no word is missing', async () => {
    const { page } = await openPage({ width, locale: 'fr-FR' })
    await page.locator('#services li').first().waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    const keys = await page.locator('[data-word]').evaluateAll(
      (elements) =>
        elements.filter((element) => {
          const { textContent, dataset } = element as never as {
            textContent: string
            dataset: { word: string }
          }
          return textContent === '' || textContent === dataset.word
        }).length,
    )
    expect(keys).toBe(0)
  })
})
