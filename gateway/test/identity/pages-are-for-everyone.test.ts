import { readFileSync } from 'node:fs'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { followByKeyboard } from '../browser.ts'
import { ada, addAccount, logIn } from '../test-gateway.ts'
import { type Browsing, openBrowsing } from './open-browsing.ts'

let browsing: Browsing
let url = ''
beforeAll(async () => {
  browsing = await openBrowsing()
  url = browsing.gateway.url
  await addAccount(browsing.gateway)
  await addAccount(browsing.gateway, long)
  // Another session, and no call left.
  const { authorization } = await logIn(browsing.gateway)
  for (let number = 1; number <= 10; number++) await fetch(`${url}/api/vente`, { headers: authorization })
})
afterAll(() => browsing[Symbol.asyncDispose]())

const long = {
  firstName: 'Wolfeschlegelsteinhausenbergerdorff',
  lastName: 'Keihanaikukauakahihuliheekahaunaele',
  email: `${'a-very-long-name'.repeat(3)}@student.of.a.far.away.university.example`,
  password: 'analytical engine',
}

const audit = readFileSync(new URL('../audit-page.js', import.meta.url), 'utf8')
const obstacles = (page: Page) => page.evaluate<string[]>(audit)

async function openLoggedIn(options: BrowserContextOptions, person = ada as typeof long): Promise<Page> {
  const page = await browsing.openPage(options)
  await page.goto(`${url}/auth/account`)
  await page.locator('#email').fill(person.email)
  await page.locator('#password').fill(person.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(`${url}/auth/account`)
  return page
}

/** A form of the page, filled in and sent, whatever the browser itself would say of what was typed. */
async function send(page: Page, form: string, typed: Readonly<Record<string, string>>): Promise<void> {
  for (const [id, text] of Object.entries(typed)) await page.locator(`#${id}`).fill(text)
  const arrived = page.waitForEvent('load')
  await page.evaluate(`document.querySelector('form[action="${form}"]').submit()`)
  await arrived
}

const open = [
  'login',
  'register',
  'activate',
  'forgot',
  'reset',
  'login?notice=activated',
  'activate?notice=sent',
]
const own = ['account', 'account?notice=password', 'account/delete', 'me/email?notice=sent']

/** In the light, in the dark, and on a phone of 360 pixels that shows everything at twice the size. */
async function look(page: Page, place: string): Promise<string[]> {
  const found: string[] = []
  const note = async (how: string) =>
    found.push(...(await obstacles(page)).map((obstacle) => `${place}, ${how}: ${obstacle}`))
  await page.emulateMedia({ colorScheme: 'light' })
  await note('light')
  await page.emulateMedia({ colorScheme: 'dark' })
  await note('dark')
  const size = page.viewportSize()
  await page.setViewportSize({ width: 180, height: 320 })
  await note('large')
  await page.setViewportSize(size ?? { width: 1_280, height: 720 })
  return found
}

describe.each(['fr-FR', 'en-GB'])('in %s', (locale) => {
  test('pages for everyone have labels, order, contrast and room', async () => {
    const page = await browsing.openPage({ locale })
    const found: string[] = []
    for (const path of open) {
      await page.goto(`${url}/auth/${path}`)
      found.push(...(await look(page, path)))
    }
    await page.goto(`${url}/auth/register`)
    await send(page, '/auth/register', { email: 'nobody', password: 'password' })
    found.push(...(await look(page, 'a registration that is refused')))
    expect(found).toEqual([])
  })

  test('so do those of one’s account, and that of the limit', async () => {
    const page = await openLoggedIn({ locale })
    const found: string[] = []
    for (const path of own) {
      await page.goto(`${url}/auth/${path}`)
      found.push(...(await look(page, path)))
    }
    await page.goto(`${url}/auth/account`)
    await page.locator('summary').nth(1).click()
    await send(page, '/auth/account/email', { 'email-email': 'nobody', 'email-currentPassword': 'x' })
    found.push(...(await look(page, 'a new e-mail that is refused')))
    await page.goto(`${url}/api/vente`)
    expect(await page.title()).toMatch(/Quota/)
    found.push(...(await look(page, 'the page of the limit')))
    expect(found).toEqual([])
  })

  test('names without an end break into lines', async () => {
    expect(await look(await openLoggedIn({ locale }, long), 'account')).toEqual([])
  })
})

test('the audit finds what it is there to find', async () => {
  const page = await browsing.openPage()
  await page.setContent(`<html><body><h2 id="a">x</h2><input id="a" name="x"><a href="/"></a><p style="color:#999">pale</p>
    <details><summary>s</summary><p aria-describedby="none" style="width:3000px">wide</p></details>`)
  const found = (await obstacles(page)).join('\n')
  for (const sentence of [
    'the id a',
    'names nothing',
    'no label',
    'no autocomplete',
    'no name',
    'headings begin',
  ]) {
    expect(found).toContain(sentence)
  }
  expect(found).toMatch(/contrast 2\.8\d: <p> "pale"/)
  expect(found).toMatch(/3\d\d\d px wide/)
})

test('whatever has the focus under the Tab key shows it', async () => {
  const page = await openLoggedIn({})
  const seen = new Set<string>()
  for (let press = 0; press < 40; press++) {
    await page.keyboard.press('Tab')
    const [name, outline] = await page.evaluate<[string, string]>(
      '[document.activeElement.outerHTML.slice(0, 80), getComputedStyle(document.activeElement).outline]',
    )
    if (name.startsWith('<body') || seen.has(name)) break
    seen.add(name)
    expect(outline, name).toMatch(/solid 3px/)
  }
  expect(seen.size, 'skip link, two languages, logout, sessions, folds, two links').toBeGreaterThan(8)
})

describe('without a script', () => {
  test('one changes the name, is told what is wrong, ends all other sessions and deletes the account', async () => {
    const person = { ...ada, email: 'scriptless@etu.example' }
    await addAccount(browsing.gateway, person)
    const elsewhere = await logIn(browsing.gateway, person)
    const page = await openLoggedIn({ locale: 'en-GB', javaScriptEnabled: false }, person)
    const fold = async (title: string, typed: Readonly<Record<string, string>>, button: string) => {
      await page.getByText(title, { exact: true }).click()
      for (const [label, text] of Object.entries(typed))
        await page.getByLabel(label).locator('visible=true').fill(text)
      await page.getByRole('button', { name: button }).click()
    }
    await fold('Change my name', { 'First name': 'Augusta' }, 'Save the name')
    expect(await page.getByRole('status').first().innerText()).toBe('Your name is changed.')
    expect(await page.locator('.profile').innerText()).toContain('Augusta Lovelace')

    const wrong = { 'Current password': 'not this one', 'New password': 'a newer password' }
    await fold('Change my password', wrong, 'Change the password')
    expect(
      await page.getByLabel('Current password').locator('visible=true').getAttribute('aria-invalid'),
    ).toBe('true')
    expect(await page.getByText('This is not your current password.').isVisible()).toBe(true)

    await page.getByRole('button', { name: 'End all other sessions' }).click()
    expect(await page.locator('.sessions li').count()).toBe(1)
    expect((await fetch(`${url}/auth/me`, { headers: elsewhere.authorization })).status).toBe(401)

    await page.getByRole('link', { name: 'Delete my account' }).click()
    await page.getByLabel('Current password').fill(person.password)
    await page.getByRole('button', { name: 'Delete the account for ever' }).click()
    expect(await page.getByRole('status').innerText()).toBe('Your account is deleted.')
    await expect(logIn(browsing.gateway, person)).rejects.toThrow('401')
  })

  test('whose access ran out while the page was open comes back to it, and is told to do it again', async () => {
    const page = await openLoggedIn({ locale: 'en-GB', javaScriptEnabled: false })
    await page.context().clearCookies({ name: 'guichet_access' })
    await page.getByText('Change my name', { exact: true }).click()
    await page.getByRole('button', { name: 'Save the name' }).click()
    expect(await page.getByRole('status').first().innerText()).toMatch(/^Nothing is changed yet/)
    await followByKeyboard(page, 'Log out')
    expect(await page.textContent('h1')).toBe('the app')
  })
})
