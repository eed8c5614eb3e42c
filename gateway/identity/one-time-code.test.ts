import { expect, test } from 'vitest'
import { createOneTimeCodes, ownerWithoutAccount, readCode } from './one-time-code.ts'

const codes = createOneTimeCodes(Buffer.from('a secret of these gateways'))

test('a code is six digits, leading zeros included, and no two runs of them are alike', () => {
  const minted = Array.from({ length: 2_000 }, () => codes.mint('registration', 'ada@example.org').code)
  expect(minted.filter((code) => !/^\d{6}$/.test(code))).toEqual([])
  expect(new Set(minted).size).toBeGreaterThan(1_900)
  expect(minted.some((code) => code.startsWith('0'))).toBe(true)
})

test('the code that was mailed has the hash that was kept', () => {
  const { code, codeHash } = codes.mint('registration', 'ada@example.org')
  expect(codes.hash('registration', 'ada@example.org', code)).toBe(codeHash)
  expect(codeHash).not.toContain(code)
})

test('a hash fits one purpose, one owner and one secret', () => {
  const hashes = [
    codes.hash('registration', 'ada@example.org', '012345'),
    codes.hash('password-reset', 'ada@example.org', '012345'),
    codes.hash('registration', 'eve@example.org', '012345'),
    codes.hash('registration', 'ada@example.org', '112345'),
    createOneTimeCodes(Buffer.from('another secret')).hash('registration', 'ada@example.org', '012345'),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
})

test.each([' 012 345 ', '012-345', '０１２３４５', '012\u00a0345'])('%j is read as it was meant', (typed) => {
  expect(readCode(typed)).toBe('012345')
})

test.each(['', '12345', '1234567', '12345x', '١٢٣٤٥٦', '12345\u0000', `${' '.repeat(1_000_000)}123456`])(
  'what is no code is none: case %#',
  (typed) => {
    expect(readCode(typed)).toBe(null)
    expect(codes.hash('registration', 'ada@example.org', typed)).toBe(null)
  },
)

test('whoever has no account has an owner that is no account’s id', () => {
  expect(ownerWithoutAccount('nobody@example.org')).toMatch(/^nobody:[\w-]{43}$/)
})
