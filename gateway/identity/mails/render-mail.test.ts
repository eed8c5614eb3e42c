import { describe, expect, test } from 'vitest'
import type { Language } from '../../page.ts'
import type { Mail, Recipient } from './mail.ts'
import { renderMail } from './render-mail.ts'

const link = 'https://etu.example/auth/activate?email=ada%40example.org&code=012345'
const mails: readonly Mail[] = [
  { kind: 'activation', code: '012345', link },
  { kind: 'already-registered', loginLink: 'https://etu.example/auth/login', resetLink: link },
  { kind: 'password-reset', code: '012345', link },
  { kind: 'email-change', code: '012345', link },
  { kind: 'email-changed', newEmail: 'ada@elsewhere.example' },
  { kind: 'password-changed', resetLink: link },
]
const cases = (['fr', 'en'] as const).flatMap((language) => mails.map((mail) => ({ language, mail })))

const ada = (language: Language, firstName = 'Ada'): Recipient => ({
  email: 'ada@example.org',
  firstName,
  language,
})

describe.each(cases)('$mail.kind in $language', ({ language, mail }) => {
  const { subject, text, html } = renderMail(ada(language), mail)

  test('says the same in text and in HTML', () => {
    const shown = html
      .replace(/^[\s\S]*<body[^>]*>/, '')
      .replace(/<a href="([^"]+)"[^>]*>([^<]+)<\/a>/g, '$2 $1')
      .replace(/<[^>]+>/g, ' ')
      .replaceAll('&amp;', '&')
    const words = (content: string) => content.trim().split(/\s+/)
    expect(words(shown)).toEqual(words(text))
  })

  test('holds every value it was given, and greets by name', () => {
    const { kind: _, ...values } = mail
    for (const value of Object.values(values)) expect(text).toContain(value)
    expect(text).toMatch(language === 'fr' ? /^Bonjour Ada,\n\n/ : /^Hello Ada,\n\n/)
    expect(text).not.toMatch(/undefined|\n{3}|<|&#|&amp;/)
  })

  test('its subject shows no code, since a locked telephone does', () => {
    expect(subject).toMatch(/^\p{Lu}[\p{L}’ ]{10,60}$/u)
  })

  test('its HTML names its language and loads nothing', () => {
    expect(html).toContain(`<html lang="${language}">`)
    expect(html).toContain(`<title>${subject}</title>`)
    expect(html).not.toMatch(/<img|<link|<script|src=|url\(/)
  })
})

test('subjects and sentences differ by language and by mail', () => {
  const subjects = cases.map(({ language, mail }) => renderMail(ada(language), mail).subject)
  expect(new Set(subjects).size).toBe(cases.length)
})

test('what comes from outside is text in HTML, never markup', () => {
  const evil = `https://etu.example/?a="><script>alert('1')</script>&b`
  const { html, text } = renderMail(ada('en'), { kind: 'activation', code: '<b>1', link: evil })
  expect(html).not.toMatch(/<script|<b>/)
  expect(html).toContain('&lt;b&gt;1')
  expect(html).toContain('&quot;&gt;&lt;script')
  expect(text).toContain(evil)
})

test.each(['Zoé', 'Jean-Luc', "O'Neil", 'Anne Marie', '李', 'Ørjan', 'e\u0301lodie'])(
  '%s is greeted',
  (name) => {
    expect(renderMail(ada('en', name), { kind: 'email-changed', newEmail: 'x@y.example' }).text).toContain(
      `Hello ${name},`,
    )
  },
)

test.each([
  '',
  'Ada\r\nBcc: everyone@example.org',
  'Ada, visit evil.example to win',
  'https://evil.example',
  'www.evil.example',
  '<b>Ada</b>',
  'Ada\u202e',
  'A'.repeat(31),
  'A'.repeat(1_000_000),
])('a name that may be a message of its own is left out: case %#', (name) => {
  const { text, html } = renderMail(ada('en', name), { kind: 'email-changed', newEmail: 'x@y.example' })
  expect(text).toMatch(/^Hello,\n/)
  expect(text + html).not.toMatch(/evil|Bcc|AAA/)
})
