import { expect, test } from 'vitest'
import { visitorOf } from './visitor.ts'

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
const nameOf = (name: string) => visitorOf({ 'x-forwarded-user': '42', 'x-forwarded-name': name })

test('without a user the visitor is anonymous', () => {
  expect(visitorOf({})).toEqual({ kind: 'anonymous' })
  expect(visitorOf({ 'x-forwarded-user': '  ', 'x-forwarded-name': 'Anne' })).toEqual({ kind: 'anonymous' })
})

test('an id too long to be kept is nobody, never a shortened somebody', () => {
  expect(visitorOf({ 'x-forwarded-user': 'a'.repeat(256) })).toEqual({ kind: 'anonymous' })
  expect(visitorOf({ 'x-forwarded-user': 'a'.repeat(255) })).toMatchObject({ id: 'a'.repeat(255) })
})

test.for([
  ['Anne Martin', 'Anne Martin'],
  ['Zo%C3%A9%20L%C3%A9ger', 'Zoé Léger'],
  [latin1('Zoé 😀'), 'Zoé 😀'],
  ['Zo\xe9', 'Zoé'],
  ['100% Anne', '100% Anne'],
  ['%0d%0aX', 'X'],
  ['é'.repeat(300), 'é'.repeat(100)],
] as const)('the name %j is shown as %j', ([sent, shown]) => {
  expect(nameOf(sent)).toEqual({ kind: 'known', id: '42', name: shown })
})

test('a missing name is the e-mail, then the id', () => {
  const email = { 'x-forwarded-user': '42', 'x-forwarded-email': 'a@b.fr' }
  expect(visitorOf(email)).toMatchObject({ name: 'a@b.fr' })
  expect(visitorOf({ 'x-forwarded-user': '42' })).toMatchObject({ name: '42' })
})
