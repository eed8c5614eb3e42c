import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { followByKeyboard, launchBrowser } from './browser.ts'
import { call } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { ada, addAccount, logIn, openTestGateway, type TestGateway } from './test-gateway.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())

/** A gateway that allows so many calls, a page on which Ada is logged in, and another client of hers. */
async function openPage(calls: { quota: number; per: string }, options: BrowserContextOptions = {}) {
  await using opening = new AsyncDisposableStack()
  const app = opening.use(await startEchoApp())
  const gateway = opening.use(
    await openTestGateway({
      upstream: app.url,
      config: {
        policies: { calls },
        login: { policies: [] },
        routes: [
          { path: '/', upstream: 'app', access: 'public' },
          { path: '/api', upstream: 'app', policies: ['calls'] },
        ],
      },
    }),
  )
  await addAccount(gateway)
  const { authorization } = await logIn(gateway)
  const context = await browser.newContext({ locale: 'en-GB', ...options })
  opening.defer(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('429')) complaints.push(message.text())
  })
  const parts = opening.move()
  onTestFinished(() => parts.disposeAsync())
  const callElsewhere = () => call(`${gateway.url}/api/x`, authorization)
  return { gateway, page, complaints, callElsewhere }
}

/** By way of the login form, as anyone would. */
async function openAccount(page: Page, { url }: TestGateway): Promise<void> {
  await page.goto(`${url}/auth/account`)
  await page.locator('#email').fill(ada.email)
  await page.locator('#password').fill(ada.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(`${url}/auth/account`)
}

const left = (page: Page) => page.locator('.left').innerText()
const marks = (page: Page) =>
  page
    .locator('.line rect')
    .evaluateAll((all) =>
      all.map((mark) =>
        Number.parseFloat((mark as never as { getAttribute(name: string): string }).getAttribute('x')),
      ),
    )

describe('/auth/account', () => {
  it('shows at once that another client has used up the quota, counts down, and tells of the free place', async () => {
    const { gateway, page, complaints, callElsewhere } = await openPage({ quota: 3, per: '9s' })
    await openAccount(page, gateway)
    await page.getByText('Live', { exact: true }).waitFor()
    expect(await left(page)).toMatch(/3\s*of 3 calls left/)
    expect(await page.getByText('All places are free.').isVisible()).toBe(true)
    for (let i = 0; i < 3; i++) await callElsewhere()
    await page.getByText('Quota reached').waitFor({ timeout: 2_000 })
    expect(await left(page)).toMatch(/0\s*of 3 calls left/)
    expect(await page.locator('.wait').innerText()).toMatch(/^Your next call passes in [1-9] s\.$/)
    const before = await marks(page)
    expect(before).toHaveLength(3)
    await page.getByText(/passes in [1-4] s/).waitFor({ timeout: 10_000 })
    const after = await marks(page)
    expect(after[0]).toBeLessThan(before[0] ?? 0)
    expect(await page.locator('.next li').count()).toBe(3)
    await page.getByText('All places are free.').waitFor({ timeout: 12_000 })
    expect(await left(page)).toMatch(/3\s*of 3 calls left/)
    expect(await page.getByText('Quota reached').count()).toBe(0)
    expect(await marks(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('says the same without a script, as of its loading', async () => {
    const { gateway, page, callElsewhere } = await openPage(
      { quota: 2, per: '10m' },
      { javaScriptEnabled: false, locale: 'fr-FR' },
    )
    for (let i = 0; i < 2; i++) await callElsewhere()
    await openAccount(page, gateway)
    expect(await left(page)).toMatch(/0\s*sur 2 appels restants/)
    expect(await page.locator('.wait').innerText()).toMatch(
      /^Prochain appel possible dans (10 min|9 min 5\d s)\.$/,
    )
    expect(await marks(page)).toHaveLength(2)
    expect(await page.locator('#live').innerText()).toMatch(/^Affichage de \d\d:\d\d:\d\d UTC/)
  })

  it('leads to the login when the session is ended elsewhere', async () => {
    const { gateway, page } = await openPage({ quota: 2, per: '10m' })
    await openAccount(page, gateway)
    await page.getByText('Live', { exact: true }).waitFor()
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
    await fetch(`${gateway.url}/auth/logout`, { method: 'POST', headers: { cookie } })
    await page.waitForURL(/\/auth\/login\?return_to=%2Fauth%2Faccount$/, { timeout: 15_000 })
  })

  it.each([360, 1_280])('fits %i pixels, by keyboard, in French', async (width) => {
    const { gateway, page, callElsewhere } = await openPage(
      { quota: 1, per: '1h' },
      { locale: 'fr-FR', viewport: { width, height: 800 } },
    )
    await callElsewhere()
    await openAccount(page, gateway)
    await page.getByText('En direct').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    await followByKeyboard(page, 'English')
    expect(await page.locator('h1').innerText()).toBe('My account')
    await followByKeyboard(page, 'Back to the home page')
    expect(new URL(page.url()).pathname).toBe('/')
  })
})

describe('the page of a limited call', () => {
  it('counts down, says when the wait is over, moves no focus, and leads on', async () => {
    const { gateway, page, complaints, callElsewhere } = await openPage({ quota: 1, per: '7s' })
    await openAccount(page, gateway)
    await callElsewhere()
    await page.goto(`${gateway.url}/api/x`)
    expect(await page.locator('h1').innerText()).toBe('Quota reached')
    expect(await page.getByRole('link', { name: 'See your calls' }).getAttribute('href')).toBe(
      '/auth/account#calls',
    )
    const first = await page.locator('.wait').innerText()
    expect(first).toMatch(/^Your next call passes in [1-7] s\.$/)
    await page.getByRole('status').filter({ hasText: 'The wait is over.' }).waitFor({ timeout: 10_000 })
    expect(await page.locator('.wait').isVisible()).toBe(false)
    expect(await page.evaluate('document.activeElement === document.body')).toBe(true)
    await followByKeyboard(page, 'Try again')
    expect(await page.locator('body').innerText()).toContain('"url":"/api/x"')
    expect(complaints).toEqual([])
  })
})
