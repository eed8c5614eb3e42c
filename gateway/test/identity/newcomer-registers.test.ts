import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { followByKeyboard, launchBrowser } from '../browser.ts'
import { startEchoApp } from '../echo-app.ts'
import { freePort } from '../servers/free-port.ts'
import { type MailServer, startMailServer } from '../servers/mail-server.ts'
import { openTestGateway, type TestGateway } from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
let gateway: TestGateway
let mails: MailServer
let browser: Browser

beforeAll(async () => {
  const app = opened.use(
    await startEchoApp((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>app</title><h1>the app</h1>')
    }),
  )
  mails = opened.use(await startMailServer())
  const port = await freePort()
  // Mails link to it, so it must be known beforehand.
  const listen = { host: '127.0.0.1', port, publicUrl: `http://127.0.0.1:${port}` }
  const routes = [{ path: '/', upstream: 'app', access: 'connected' }]
  gateway = opened.use(
    await openTestGateway({ upstream: app.url, config: { listen, routes, mail: { smtp: mails.url } } }),
  )
  browser = await launchBrowser()
  opened.defer(() => browser.close())
})

interface Words {
  readonly logIn: string
  readonly register: string
  readonly weak: string
  readonly activate: string
  readonly activated: string
  readonly forgot: string
  readonly newPassword: string
  readonly changed: string
}

const languages: [locale: string, email: string, words: Words][] = [
  [
    'fr-FR',
    'zoe@etu.example',
    {
      logIn: 'Se connecter',
      register: 'Créer un compte',
      weak: 'Choisissez 8 caractères ou plus, et pas l’un des mots de passe les plus courants.',
      activate: 'Activer le compte',
      activated: 'Votre compte est activé. Connectez-vous.',
      forgot: 'Mot de passe oublié\u00a0?',
      newPassword: 'Nouveau mot de passe',
      changed: 'Votre mot de passe est changé. Connectez-vous avec le nouveau.',
    },
  ],
  [
    'en-GB',
    'mary@etu.example',
    {
      logIn: 'Log in',
      register: 'Create an account',
      weak: 'Choose 8 characters or more, and not one of the most common passwords.',
      activate: 'Activate the account',
      activated: 'Your account is activated. Log in.',
      forgot: 'Forgotten your password?',
      newPassword: 'New password',
      changed: 'Your password is changed. Log in with the new one.',
    },
  ],
]

/** Types into the field that has the focus, and into those that follow under the Tab key; then Enter. */
async function fillByKeyboard(page: Page, ...texts: string[]): Promise<void> {
  for (const [index, text] of texts.entries()) {
    if (index > 0) await page.keyboard.press('Tab')
    await page.keyboard.type(text)
  }
  await submitByKeyboard(page)
}

async function submitByKeyboard(page: Page): Promise<void> {
  const arrived = page.waitForEvent('load')
  await page.keyboard.press('Enter')
  await arrived
}

async function openPage(locale: string): Promise<Page> {
  const context = await browser.newContext({ locale })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const blocked: string[] = []
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) blocked.push(message.text())
  })
  onTestFinished(() => expect(blocked).toEqual([]))
  return page
}

const heading = (page: Page) => page.textContent('h1')

describe.each(languages)('in a browser in %s, with the keyboard alone', (locale, email, words) => {
  test('a newcomer registers, reads the mail, activates, logs in, and comes out where the way began', async () => {
    const page = await openPage(locale)
    await page.goto(`${gateway.url}/services?page=2`)
    expect(await heading(page)).toBe(words.logIn)
    await followByKeyboard(page, words.register)
    expect(await heading(page)).toBe(words.register)

    await fillByKeyboard(page, 'Zoé', 'Durand', email, 'password')
    expect(await page.textContent('#password-advice')).toBe(words.weak)
    // The cursor waits in the field that is wrong.
    await fillByKeyboard(page, 'quatre mots bien longs')
    expect(await heading(page)).toBe(words.activate)
    expect(await page.inputValue('#email')).toBe(email)

    const { code = '' } = await mails.waitForMailTo(email)
    await fillByKeyboard(page, `${code.slice(0, 3)} ${code.slice(3)}`)
    expect(await page.textContent('[role=status]')).toBe(words.activated)
    await fillByKeyboard(page, email, 'quatre mots bien longs')
    expect(await heading(page)).toBe('the app')
    expect(page.url()).toBe(`${gateway.url}/services?page=2`)
  })

  test('the link of a mail opens a page whose button has the focus; a forgotten password is replaced', async () => {
    const page = await openPage(locale)
    const other = `link-${email}`
    await page.goto(`${gateway.url}/auth/register`)
    await fillByKeyboard(page, 'Zoé', 'Durand', other, 'quatre mots bien longs')
    await page.goto((await mails.waitForMailTo(other)).link ?? '')
    expect(await page.textContent(':focus')).toBe(words.activate)
    await submitByKeyboard(page)
    expect(await page.textContent('[role=status]')).toBe(words.activated)

    await followByKeyboard(page, words.forgot)
    await fillByKeyboard(page, other)
    expect(await heading(page)).toBe(words.newPassword)
    await page.goto((await mails.waitForMailTo(other)).link ?? '')
    expect(await heading(page)).toBe(words.newPassword)
    await fillByKeyboard(page, 'une phrase toute neuve')
    expect(await page.textContent('[role=status]')).toBe(words.changed)
    await fillByKeyboard(page, other, 'une phrase toute neuve')
    expect(await heading(page)).toBe('the app')
  })
})
