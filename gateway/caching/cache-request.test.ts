import type { IncomingHttpHeaders } from 'node:http'
import { expect, test } from 'vitest'
import type { Caller } from '../identity/account.ts'
import { keyFor, variantKey } from './cache-key.ts'
import { type AskedRequest, type CacheableRequest, readRequest } from './cache-request.ts'

const anonymous: Caller = { kind: 'anonymous' }

const read = (headers: IncomingHttpHeaders = {}, changes: Partial<AskedRequest> = {}) =>
  readRequest({
    method: 'GET',
    target: '/a?b=1',
    headers: { host: 'etu.example', ...headers },
    caller: anonymous,
    address: '192.0.2.7',
    ownCookies: ['guichet_access'],
    ...changes,
  })

const cacheable = (headers?: IncomingHttpHeaders, changes?: Partial<AskedRequest>): CacheableRequest => {
  const request = read(headers, changes)
  if (request.kind === 'bypass') throw new Error('a request that bypasses the cache')
  return request
}

const keyOf = (headers?: IncomingHttpHeaders, changes?: Partial<AskedRequest>): string | null =>
  keyFor(cacheable(headers, changes), 'circle')

test.each<IncomingHttpHeaders>([
  { range: 'bytes=0-1' },
  { 'if-range': '"a"' },
  { 'if-match': '"a"' },
  { 'if-unmodified-since': 'x' },
  { 'content-length': '3' },
  { 'transfer-encoding': 'chunked' },
  { accept: 'text/event-stream' },
  { 'cache-control': 'no-store' },
  { 'cache-control': 'canary' },
  { 'cache-control': 'max-age=canary' },
  { 'cache-control': '(canary), no-cache' },
  { 'cache-control': 'no-cache canary' },
  { pragma: 'canary' },
  { connection: 'keep-alive, Accept-Language' },
  { connection: 'x-version' },
  { 'cache-control': 'no-cache="canary"' },
])('%o is not the cache’s business', (headers) => {
  expect(read(headers).kind).toBe('bypass')
})

test.each(['keep-alive', 'close', 'Keep-Alive, TE', 'close,', ''])(
  'Connection: %s says nothing to it',
  (connection) => {
    expect(keyOf({ connection })).toBe(keyOf())
  },
)

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is not the cache’s business', (method) => {
  expect(read({}, { method }).kind).toBe('bypass')
})

test('host, target and query are in the key as they were sent', () => {
  const keys = [
    keyOf(),
    keyOf({ host: 'other.example' }),
    keyOf({}, { target: '/a' }),
    keyOf({}, { target: '/a?b=1&c=2' }),
    keyOf({}, { target: '/a?c=2&b=1' }),
    keyOf({}, { target: '/a;x?b=1' }),
    keyOf({}, { target: '/%61?b=1' }),
  ]
  expect(new Set(keys).size).toBe(keys.length)
  expect(keyOf({ host: 'ETU.example' })).toBe(keyOf())
})

test('callers and circles have keys of their own, and what is nobody’s has none', () => {
  const connected = (accountId: string) => ({ caller: { kind: 'connected', accountId } as Caller })
  const keys = [
    keyOf(),
    keyOf({}, connected('1')),
    keyOf({}, connected('2')),
    keyFor(cacheable(), 'everyone'),
  ]
  expect(new Set(keys).size).toBe(4)
  expect(keyOf({ cookie: 'a=1' })).toBeNull()
  expect(keyOf({ cookie: 'guichet_access=x' })).toBe(keyOf())
})

test('a field that nobody expects an app to read is in the key', () => {
  expect(keyOf({ 'x-anything': 'canary' })).not.toBe(keyOf())
  expect(keyOf({ 'x-forwarded-host': 'evil.example' })).not.toBe(keyOf())
  expect(keyOf({ 'x-forwarded-for': '203.0.113.1, 192.0.2.7' })).not.toBe(keyOf())
  expect(keyOf({ 'x-forwarded-for': '192.0.2.7' })).toBe(keyOf())
})

test('no field can be written so that it looks like another or like the target', () => {
  expect(keyOf({ 'x-a': '1', 'x-b': '2' })).not.toBe(keyOf({ 'x-a': '1x-b:2' }))
  expect(keyOf({ 'x-a': ['1', '2'] as never })).not.toBe(keyOf({ 'x-a': '1', 'x-b': '2' }))
})

test('without Vary all by which browsers differ is in the key, with it only what it names', () => {
  const firefox = cacheable({ 'user-agent': 'Firefox', accept: '*/*' })
  const chromium = cacheable({ 'user-agent': 'Chromium', accept: '*/*' })
  expect(variantKey('k', null, firefox)).not.toBe(variantKey('k', null, chromium))
  expect(variantKey('k', ['accept'], firefox)).toBe(variantKey('k', ['accept'], chromium))
  expect(variantKey('k', ['x'], cacheable({ x: '' }))).not.toBe(variantKey('k', ['x'], cacheable()))
})

test('what the connection or the cache alone is told is in no key', () => {
  const spoken = {
    connection: 'close',
    'cache-control': 'no-cache',
    pragma: 'no-cache',
    'if-none-match': '"a"',
    'if-modified-since': 'x',
  }
  expect(keyOf(spoken)).toBe(keyOf())
  expect(variantKey('k', null, cacheable(spoken))).toBe(variantKey('k', null, cacheable()))
})

test('Pragma counts where Cache-Control is silent', () => {
  expect(cacheable({ pragma: 'no-cache' }).directives.has('no-cache')).toBe(true)
  expect(cacheable({ pragma: 'no-cache', 'cache-control': 'max-age=9' }).directives.has('no-cache')).toBe(
    false,
  )
})
