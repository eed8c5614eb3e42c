import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkPassword } from './passwords.ts'

describe('a new password', () => {
  test.each([
    ['eight letters', 'zephyrin'],
    ['eight emoji, for length is counted in code points', '🦊🦊🦊🦊🦊🦊🦊🦊'],
    ['spaces at both ends', ' zéphyr '],
    ['a NUL and control characters', 'zeph\0\n\tyr'],
    ['65 characters', 'z'.repeat(65)],
    ['1024 bytes', 'é'.repeat(512)],
    ['no digit, no capital, no sign: nothing is prescribed', 'quatre mots bien longs'],
  ])('may be %s', (_, password) => {
    expect(checkPassword(password)).toEqual({ kind: 'accepted' })
  })

  test.each([
    ['too-short', 'zephyri'],
    ['too-short', '🦊🦊🦊🦊🦊🦊🦊'],
    ['too-short', ''],
    ['too-long', 'z'.repeat(1025)],
    ['too-long', 'é'.repeat(513)],
    ['too-long', 'z'.repeat(1_000_000)],
    ['too-common', 'password'],
    ['too-common', 'PassWord123'],
    ['too-common', 'azertyuiop'],
    ['not-text', 'zephyrin\ud800'],
  ])('is refused as %s: case %#', (problem, password) => {
    expect(checkPassword(password)).toEqual({ kind: 'refused', problem })
  })

  test('is compared with 3,000 or more that would be long enough (ASVS 6.2.4)', () => {
    const file = new URL('./common-passwords.txt', import.meta.url)
    const refused = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((password) => checkPassword(password))
    expect(refused.length).toBeGreaterThan(3_000)
    expect(new Set(refused.map((check) => check.kind === 'refused' && check.problem))).toEqual(
      new Set(['too-common']),
    )
  })

  const owner = { firstName: 'Zéphyrine', lastName: 'Lovelace', email: 'z.lovelace@etu.example' }
  test.each([
    'lovelace',
    'Lovelace1815',
    'zéphyrine!',
    'zéphyrine lovelace',
    'LOVELACE-ZÉPHYRINE',
    'z.lovelace@etu.example',
    '2026guichet',
  ])('is no name nor e-mail of its owner, nor ours (ASVS 6.2.11): %s', (password) => {
    expect(checkPassword(password, owner)).toEqual({ kind: 'refused', problem: 'too-personal' })
  })

  test.each(['lovelace the great', '1234 5678 90', 'zéphyr de mars'])(
    'may share a word or nothing with it: %s',
    (password) => {
      expect(checkPassword(password, owner)).toEqual({ kind: 'accepted' })
    },
  )
})
