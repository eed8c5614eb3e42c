import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fillByKeyboard, followByKeyboard, submitByKeyboard } from '../browser.ts'
import { type Browsing, openBrowsing } from './open-browsing.ts'

let browsing: Browsing
beforeAll(async () => {
  browsing = await openBrowsing()
})
afterAll(() => browsing[Symbol.asyncDispose]())

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
      weak: 'Choisissez 8 caractères ou plus : ni l’un des mots de passe les plus courants, ni votre nom, ni votre adresse.',
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
      weak: 'Choose 8 characters or more: not one of the most common passwords, nor your name or address.',
      activate: 'Activate the account',
      activated: 'Your account is activated. Log in.',
      forgot: 'Forgotten your password?',
      newPassword: 'New password',
      changed: 'Your password is changed. Log in with the new one.',
    },
  ],
]

const heading = (page: Page) => page.textContent('h1')

describe.each(languages)('in a browser in %s, with the keyboard alone', (locale, email, words) => {
  test('a newcomer registers, reads the mail, activates, logs in, and comes out where the way began', async () => {
    const page = await browsing.openPage({ locale })
    await page.goto(`${browsing.gateway.url}/services?page=2`)
    expect(await heading(page)).toBe(words.logIn)
    await followByKeyboard(page, words.register)
    expect(await heading(page)).toBe(words.register)

    await fillByKeyboard(page, 'Zoé', 'Durand', email, 'password')
    expect(await page.textContent('#password-advice')).toBe(words.weak)
    // The cursor waits in the field that is wrong.
    await fillByKeyboard(page, 'quatre mots bien longs')
    expect(await heading(page)).toBe(words.activate)
    expect(await page.inputValue('#email')).toBe(email)

    const { code = '' } = await browsing.mails.waitForMailTo(email)
    await fillByKeyboard(page, `${code.slice(0, 3)} ${code.slice(3)}`)
    expect(await page.textContent('[role=status]')).toBe(words.activated)
    await fillByKeyboard(page, email, 'quatre mots bien longs')
    expect(await heading(page)).toBe('the app')
    expect(page.url()).toBe(`${browsing.gateway.url}/services?page=2`)
  })

  test('the link of a mail opens a page whose button has the focus; a forgotten password is replaced', async () => {
    const page = await browsing.openPage({ locale })
    const other = `link-${email}`
    await page.goto(`${browsing.gateway.url}/auth/register`)
    await fillByKeyboard(page, 'Zoé', 'Durand', other, 'quatre mots bien longs')
    await page.goto((await browsing.mails.waitForMailTo(other)).link ?? '')
    expect(await page.textContent(':focus')).toBe(words.activate)
    await submitByKeyboard(page)
    expect(await page.textContent('[role=status]')).toBe(words.activated)

    await followByKeyboard(page, words.forgot)
    await fillByKeyboard(page, other)
    expect(await heading(page)).toBe(words.newPassword)
    await page.goto((await browsing.mails.waitForMailTo(other)).link ?? '')
    expect(await heading(page)).toBe(words.newPassword)
    await fillByKeyboard(page, 'une phrase toute neuve')
    expect(await page.textContent('[role=status]')).toBe(words.changed)
    await fillByKeyboard(page, other, 'une phrase toute neuve')
    expect(await heading(page)).toBe('the app')
  })
})
