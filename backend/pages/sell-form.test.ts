import { expect, test } from 'vitest'
import { priceCentsOf } from './sell-form.ts'

test.for([
  ['4,50', 450],
  ['4.5', 450],
  ['4', 400],
  ['0', 0],
  ['0,05', 5],
  [' 1 200,99 € ', 120_099],
  ['1\u202f200', 120_000],
  ['', undefined],
  ['-1', undefined],
  ['4,505', undefined],
  ['1e3', undefined],
  ['cher', undefined],
  ['1234567', undefined],
] as const)('the price %j is %j cents', ([text, cents]) => {
  expect(priceCentsOf(text)).toBe(cents)
})
