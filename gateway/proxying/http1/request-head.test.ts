import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import type { HttpRequest } from '../send-http.ts'
import { requestHead } from './request-head.ts'

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
