import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { expect, it } from 'vitest'
import { RequestTrailers } from './request-trailers.ts'

const of = (rawTrailers: string[], headers: IncomingHttpHeaders = {}) =>
  new RequestTrailers({ rawTrailers, headers } as IncomingMessage)

it.each<[string | undefined, string]>([
  [undefined, ''],
  ['', ''],
  ['X-Sum', 'x-sum'],
  ['x-sum,X-Sum , x-end', 'x-sum, x-end'],
  ['X-Forwarded-User', ''],
  ['X-Forwarded-User, x-sum, Content-Length, two words, ,', 'x-sum'],
])('of the announcement %j the app hears %j', (trailer, announced) => {
  expect(of([], trailer === undefined ? {} : { trailer }).announced()).toBe(announced)
})

it('repeated ones stay several, and odd names are no properties of objects', () => {
  const lines = ['X-A', '1', 'constructor', 'c', 'x-a', '2', '__proto__', 'p']
  expect(of(lines).fields()).toEqual({ 'x-a': ['1', '2'], constructor: 'c' })
})

it('what the request’s Connection names stays here', () => {
  const trailers = of(['X-Hop', '1', 'x-sum', '2'], { connection: 'close, X-HOP', trailer: 'X-Hop, X-Sum' })
  expect([trailers.announced(), trailers.fields()]).toEqual(['x-sum', { 'x-sum': '2' }])
})

it.each<[string, string[]]>([
  ['201 lines', Array.from({ length: 402 }, () => 'x')],
  ['more than 16 KB', ['x-a', 'a'.repeat(16_382)]],
])('%s are refused, also when none would pass', (_, lines) => {
  expect(() => of(lines).fields()).toThrow(expect.objectContaining({ code: 'headers-too-large' }))
})

it('as much as a head may hold is not', () => {
  const lines = Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'a'.repeat(70)]).flat()
  expect(Object.keys(of(lines).fields())).toHaveLength(200)
})
