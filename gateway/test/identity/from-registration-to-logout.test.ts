import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  fillByKeyboard,
  focusByKeyboard,
  followByKeyboard,
  submitByKeyboard,
  watchAnswers,
} from '../browser.ts'
import { call } from '../calls.ts'
import { logIn } from '../test-gateway.ts'
import { type Browsing, openBrowsing } from './open-browsing.ts'

let browsing: Browsing
beforeAll(async () => {
  browsing = await openBrowsing()
})
afterAll(() => browsing[Symbol.asyncDispose]())

interface Words {
  readonly register: string
  readonly activate: string
  readonly logIn: string
  readonly limited: string
  readonly wait: RegExp
  readonly calls: string
  readonly account: string
  readonly left: RegExp
  readonly current: string
  readonly end: string
  readonly ended: string
  readonly changePassword: string
  readonly changed: string
  readonly logOut: string
}

const languages: [locale: string, email: string, words: Words][] = [
  [
    'fr-FR',
    'zoe@etu.example',
    {
      register: 'Créer un compte',
      activate: 'Activer le compte',
      logIn: 'Se connecter',
      limited: 'Quota atteint',
      wait: /^Prochain appel possible dans (10 min|9 min 5\d s)\.$/,
      calls: 'Voir vos appels',
      account: 'Mon compte',
      left: /0\s*sur 10 appels restants/,
      current: 'cette session',
      end: 'Terminer',
      ended: 'La session a pris fin.',
      changePassword: 'Changer mon mot de passe',
      changed: 'Votre mot de passe est changé. Vos autres sessions ont pris fin.',
      logOut: 'Se déconnecter',
    },
  ],
  [
    'en-GB',
    'mary@etu.example',
    {
      register: 'Create an account',
      activate: 'Activate the account',
      logIn: 'Log in',
      limited: 'Quota reached',
      wait: /^Your next call passes in (10 min|9 min 5\d s)\.$/,
      calls: 'See your calls',
      account: 'My account',
      left: /0\s*of 10 calls left/,
      current: 'this session',
      end: 'End',
      ended: 'The session has ended.',
      changePassword: 'Change my password',
      changed: 'Your password is changed. Your other sessions have ended.',
      logOut: 'Log out',
    },
  ],
]

const password = 'quatre mots bien longs'
const newPassword = 'une phrase toute neuve'
const heading = (page: Page) => page.textContent('h1')

/** Until the login page, where the mail's code has opened an account. */
async function register(page: Page, email: string, words: Words): Promise<void> {
  await page.goto(`${browsing.gateway.url}/services`)
  expect(await heading(page)).toBe(words.logIn)
  await followByKeyboard(page, words.register)
  await fillByKeyboard(page, 'Zoé', 'Durand', email, password)
  await page.goto((await browsing.mails.waitForMailTo(email)).link ?? '')
  expect(await page.textContent(':focus')).toBe(words.activate)
  await submitByKeyboard(page)
  expect(await heading(page)).toBe(words.logIn)
}

async function callUntilTheLimit(page: Page, words: Words): Promise<void> {
  const { documents } = watchAnswers(page)
  for (let number = 1; number <= 10; number++) await followByKeyboard(page, 'call')
  await page.reload()
  expect(documents).toEqual([...Array(10).fill(200), 429])
  expect(await heading(page)).toBe(words.limited)
  expect(await page.locator('.wait').innerText()).toMatch(words.wait)
  const before = await page.locator('.wait').innerText()
  await expect.poll(() => page.locator('.wait').innerText(), { timeout: 3_000 }).not.toBe(before)
}

describe.each(languages)('in a browser in %s, with the keyboard alone', (locale, email, words) => {
  test('one registers, logs in, meets the limit, ends a session, replaces the password and logs out', async () => {
    const { gateway, openPage } = browsing
    const page = await openPage({ locale })
    await register(page, email, words)
    await fillByKeyboard(page, email, password)
    expect(await heading(page)).toBe('the app')

    await callUntilTheLimit(page, words)
    const elsewhere = await logIn(gateway, { email, password })
    expect((await call(`${gateway.url}/api/vente`, elsewhere.authorization)).status).toBe(429)

    await followByKeyboard(page, words.calls)
    expect(await heading(page)).toBe(words.account)
    expect(await page.getAttribute('html', 'lang')).toBe(locale.slice(0, 2))
    expect(await page.locator('.left').innerText()).toMatch(words.left)
    const sessions = page.locator('.sessions li')
    expect(await sessions.count()).toBe(2)
    expect(await sessions.nth(1).innerText()).toContain(words.current)
    await followByKeyboard(page, words.end)
    expect(await page.textContent(':focus')).toBe(words.ended)
    expect(await sessions.count()).toBe(1)
    expect((await call(`${gateway.url}/api/vente`, elsewhere.authorization)).status).toBe(401)

    await focusByKeyboard(page, words.changePassword)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await fillByKeyboard(page, password, newPassword)
    expect(await page.textContent(':focus')).toBe(words.changed)
    expect((await browsing.mails.waitForMailTo(email)).html).toContain(gateway.url)
    await expect(logIn(gateway, { email, password })).rejects.toThrow('401')

    await followByKeyboard(page, words.logOut)
    expect(await heading(page)).toBe('the app')
    await page.goto(`${gateway.url}/auth/account`)
    expect(await heading(page)).toBe(words.logIn)
    await fillByKeyboard(page, email, newPassword)
    expect(await heading(page)).toBe(words.account)
  })
})
