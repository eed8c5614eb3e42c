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
})
