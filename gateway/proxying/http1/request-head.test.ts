import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import type { HeaderFields, HttpRequest } from '../send-http.ts'
import { lastChunk, requestHead } from './request-head.ts'

const get: HttpRequest = {
  method: 'GET',
  target: '/a?b',
  headers: {},
  body: null,
  takesTrailers: false,
  responseTimeoutMs: null,
}
const body = (length: number | null) => ({
  stream: Readable.from([]),
  length,
  trailers: null,
  watch: () => undefined,
  unwatch: () => undefined,
})
const start = (method: string) => `${method} /a?b HTTP/1.1\r\nhost: app:3000\r\nconnection: keep-alive\r\n`

it.each<[Partial<HttpRequest>, string]>([
  [{}, ''],
  [
    { headers: { 'x-a': '1', 'x-b': ['2', '3'], 'x-empty': '' } },
    'x-a: 1\r\nx-b: 2\r\nx-b: 3\r\nx-empty: \r\n',
  ],
  [{ headers: { 'content-length': '5' } }, ''],
  [{ method: 'POST' }, 'content-length: 0\r\n'],
  [{ method: 'DELETE' }, ''],
  [{ method: 'POST', body: body(7), headers: { 'content-length': '9' } }, 'content-length: 7\r\n'],
  [{ method: 'DELETE', body: body(null) }, 'transfer-encoding: chunked\r\n'],
])('the head of %j', (request, lines) => {
  const asked = { ...get, ...request }
  expect(requestHead(asked, 'app:3000')).toBe(`${start(asked.method)}${lines}\r\n`)
})

it.each<[string, Partial<HttpRequest>]>([
  ['a line break in a value', { headers: { 'x-forwarded-name': 'a\r\nX-Admin: 1' } }],
  ['a bare line feed', { headers: { 'x-a': 'a\nb' } }],
  ['a NUL', { headers: { 'x-a': ['a', 'b\0'] } }],
  ['a character beyond latin-1', { headers: { 'x-a': 'œuvre' } }],
  ['a space in the target', { target: '/a b' }],
  ['a line break in the target', { target: '/a\r\nX: 1' }],
])('%s is never sent', (_, request) => {
  expect(() => requestHead({ ...get, ...request }, 'app')).toThrow(TypeError)
})

it('a client that takes trailers is announced to the target, whatever else is said of the connection', () => {
  const lines = (headers: HeaderFields) => requestHead({ ...get, takesTrailers: true, headers }, 'app')
  expect(lines({})).toContain('\r\nconnection: keep-alive, TE\r\nte: trailers\r\n')
  expect(lines({ connection: 'close' })).toContain('\r\nconnection: close, TE\r\nte: trailers\r\n')
})

it.each<[HeaderFields, string]>([
  [{}, '0\r\n\r\n'],
  [{ 'x-sum': 'a', 'x-b': ['1', ''] }, '0\r\nx-sum: a\r\nx-b: 1\r\nx-b: \r\n\r\n'],
])('the last chunk with %j', (trailers, bytes) => {
  expect(lastChunk(trailers)).toBe(bytes)
})

it.each(['a\r\n\r\nGET /smuggled HTTP/1.1', 'a\nb', 'a\0', 'œ'])('the trailer %j is never sent', (value) => {
  expect(() => lastChunk({ 'x-a': value })).toThrow(TypeError)
  expect(() => lastChunk({ 'x-a': ['a', value] })).toThrow(TypeError)
})
