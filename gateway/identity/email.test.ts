import { describe, expect, test } from 'vitest'
import { normaliseEmail } from './email.ts'

const emailOf = (text: string): string | null => {
  const reading = normaliseEmail(text)
  return reading.kind === 'email' ? reading.email : null
}

describe('spellings of one address become one', () => {
  test.each([
    ['case', 'Ada.Lovelace@Example.ORG'],
    ['spaces around', '  ada.lovelace@example.org \n'],
    ['fullwidth letters', 'ａｄａ．ｌｏｖｅｌａｃｅ＠ｅｘａｍｐｌｅ．ｏｒｇ'],
    ['an ideographic full stop in the domain', 'ada.lovelace@example。org'],
    ['ligatures and compatibility letters', 'ada.lovelace@e𝐱ample.org'],
  ])('%s', (_, text) => expect(emailOf(text)).toBe('ada.lovelace@example.org'))

  test('an international domain is kept in ASCII', () => {
    expect(emailOf('ada@Bücher.example')).toBe('ada@xn--bcher-kva.example')
    expect(emailOf('ada@xn--bcher-kva.example')).toBe('ada@xn--bcher-kva.example')
  })
})

describe('addresses that a database may take for equal are never one account', () => {
  test.each([
    ['josé@example.org', 'jose@example.org'],
    ['straße@example.org', 'strasse@example.org'],
    ['ada@straße.example', 'ada@strasse.example'],
    ['ıvan@example.org', 'ivan@example.org'],
    ['İvan@example.org', 'ivan@example.org'],
    ['ada@ıvan.example', 'ada@ivan.example'],
    ['аda@example.org', 'ada@example.org'],
    ['ada@exаmple.org', 'ada@example.org'],
    ['ada\u200b@example.org', 'ada@example.org'],
    ['ada@example.org\0', 'ada@example.org'],
    ['ada+mail@example.org', 'ada@example.org'],
  ])('%j is not %j', (one, other) => {
    expect(emailOf(other)).not.toBeNull()
    expect(emailOf(one)).not.toBe(emailOf(other))
  })
})

test.each([
  '',
  ' ',
  'ada',
  '@',
  'ada@',
  '@example.org',
  'ada@b@example.org',
  'ada＠b@example.org',
  'a da@example.org',
  'ada\u00a0@example.org',
  'ada\t@example.org',
  'ada@exa\u200bmple.org',
  'ada@exa\u00admple.org',
  '\u202eada@example.org',
  'ada\0@example.org',
  'ada\ud800@example.org',
  'ada\r\nBcc: x@example.org',
  'josé@example.org',
  '.ada@example.org',
  'a..da@example.org',
  '"ada"@example.org',
  'ada@example..org',
  'ada@-example.org',
  'ada@example.org.',
  'ada@example.org:25',
  'ada@example.org/x',
  'ada@[127.0.0.1]',
  'ada@127.0.0.1',
  'ada@0x7f.1',
  'ada@1.2',
  `ada@${'x'.repeat(64)}.org`,
  `${'a'.repeat(65)}@example.org`,
  `ada@${'abcdefghi.'.repeat(25)}org`,
  'a'.repeat(1_000_000),
  `${'ﷺ'.repeat(900)}@example.org`,
])('%j is not an address', (text) => {
  expect(normaliseEmail(text)).toEqual({ kind: 'invalid', reason: expect.any(String) })
})

test('254 characters are the most', () => {
  const domain = `${'abcdefghi.'.repeat(24)}org`
  expect(emailOf(`${'a'.repeat(254 - domain.length - 1)}@${domain}`)).toHaveLength(254)
  expect(emailOf(`${'a'.repeat(255 - domain.length - 1)}@${domain}`)).toBeNull()
})
