import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { Caller } from '../identity/account.ts'
import type { CacheableRequest } from './cache-request.ts'
import { readRequest } from './cache-request.ts'
import { judgeAnswer } from './cacheable.ts'
import type { ResponseHeaders } from './freshness.ts'

const nowMs = Date.parse('Sat, 21 Nov 2026 12:00:00 GMT')
const ada: Caller = {
  kind: 'connected',
  accountId: '42',
  sessionId: 's',
  role: 'user',
  plan: null,
  email: 'ada@etu.example',
  firstName: 'Ada',
  lastName: 'Lovelace',
}

function requestOf(
  headers: IncomingHttpHeaders = {},
  caller: Caller = { kind: 'anonymous' },
  method = 'GET',
): CacheableRequest {
  const request = readRequest({
    method,
    target: '/a?b=1',
    headers: { host: 'etu.example', ...headers },
    caller,
    address: '192.0.2.7',
    ownCookies: ['guichet_access'],
  })
  if (request.kind === 'bypass') throw new Error('a request that bypasses the cache')
  return request
}

const judge = (headers: ResponseHeaders, request = requestOf(), status = 200) =>
  judgeAnswer(request, status, headers, nowMs)

const kindOf = (headers: ResponseHeaders, request = requestOf(), status = 200): string => {
  const verdict = judge(headers, request, status)
  return verdict.kind === 'stored' ? verdict.audience : verdict.kind
}

const cacheControl = (value: string | string[]): ResponseHeaders => ({ 'cache-control': value })

describe('what may be stored', () => {
  test.each([
    ['max-age=60'],
    ['s-maxage=60'],
    ['MAX-AGE="60"'],
    ['no-store, must-understand, max-age=60'],
    ['max-age=60, no-transform, x-unknown="a, no-store"'],
  ])('an answer that says %s', (value) => {
    expect(kindOf(cacheControl(value))).toBe('circle')
  })

  test.each([
    ['no-store, max-age=60'],
    ['No-Store , max-age=60'],
    ['private, max-age=60'],
    ['private="set-cookie", max-age=60'],
    ['public'],
    [''],
    ['max-age=0'],
    ['max-age=-1'],
    ['max-age=abc'],
    ['max-age=60, max-age=120'],
    ['s-maxage=0, max-age=60'],
    ['no-cache, max-age=60'],
    ['max-age=60, "no-store", no-store'],
  ])('not one that says %s', (value) => {
    expect(kindOf(cacheControl(value))).toBe('not-stored')
  })

  test('several lines are one field', () => {
    expect(kindOf(cacheControl(['max-age=60', 'no-store']))).toBe('not-stored')
  })

  test('Expires in the future, without Cache-Control; never a guess from Last-Modified', () => {
    const date = 'Sat, 21 Nov 2026 12:00:00 GMT'
    expect(kindOf({ date, expires: 'Sat, 21 Nov 2026 12:01:00 GMT' })).toBe('circle')
    expect(kindOf({ date, expires: '0' })).toBe('not-stored')
    expect(kindOf({ date, expires: ['Sat, 21 Nov 2026 12:01:00 GMT', date] })).toBe('not-stored')
    expect(kindOf({ date, 'last-modified': 'Sat, 21 Nov 2020 12:00:00 GMT' })).toBe('not-stored')
    expect(kindOf({ date, etag: '"a"' })).toBe('not-stored')
  })

  test('what must be asked about each time is worth keeping with a validator', () => {
    expect(kindOf({ 'cache-control': 'no-cache', etag: '"a"' })).toBe('circle')
    expect(kindOf({ 'cache-control': 'no-cache="x"', etag: '"a"' })).toBe('circle')
    expect(kindOf({ 'cache-control': 'max-age=0', 'last-modified': 'x' })).toBe('circle')
  })

  test.each([206, 304, 401, 403, 429, 500, 501, 502, 503, 504, 100, 299])('never a %i', (status) => {
    expect(kindOf(cacheControl('public, max-age=60, must-understand'), requestOf(), status)).toBe(
      'not-stored',
    )
  })

  test.each([200, 203, 204, 300, 301, 302, 307, 308, 404, 410])('a %i that says so', (status) => {
    expect(kindOf(cacheControl('max-age=60'), requestOf(), status)).toBe('circle')
    expect(kindOf({}, requestOf(), status)).toBe('not-stored')
  })

  test('never a cookie, a part of something, or what varies by everything', () => {
    const fresh = cacheControl('public, max-age=60')
    expect(kindOf({ ...fresh, 'set-cookie': ['a=1'] })).toBe('not-stored')
    expect(kindOf({ ...fresh, 'content-range': 'bytes 0-1/2' })).toBe('not-stored')
    expect(kindOf({ ...fresh, vary: '*' })).toBe('not-stored')
    expect(kindOf({ ...fresh, vary: ['accept', 'x, *'] })).toBe('not-stored')
    expect(kindOf({ ...fresh, vary: 'X-Request-Id' })).toBe('not-stored')
  })

  test('not the answer to HEAD', () => {
    expect(kindOf(cacheControl('max-age=60'), requestOf({}, { kind: 'anonymous' }, 'HEAD'))).toBe(
      'not-stored',
    )
  })
})

describe('for whom', () => {
  const shared = ['s-maxage=60', 'max-age=60, must-revalidate', 'max-age=60']

  test.each(shared)('%s: a caller who is known keeps it alone', (value) => {
    expect(kindOf(cacheControl(value), requestOf({}, ada))).toBe('circle')
    expect(kindOf(cacheControl(value), requestOf({ cookie: 'guichet_access=x' }, ada))).toBe('circle')
    expect(kindOf(cacheControl(value), requestOf({ authorization: 'Bearer x' }, ada))).toBe('circle')
  })

  test.each(shared)('%s: with a cookie or an Authorization of the app nobody keeps it', (value) => {
    for (const caller of [ada, { kind: 'anonymous' } as const]) {
      expect(kindOf(cacheControl(value), requestOf({ cookie: 'theme=dark' }, caller))).toBe('not-stored')
      expect(kindOf(cacheControl(value), requestOf({ authorization: 'Basic eA==' }, caller))).toBe(
        'not-stored',
      )
    }
    expect(kindOf(cacheControl(value), requestOf({ authorization: 'Bearer foreign' }))).toBe('not-stored')
  })

  test('public: everyone, whatever was sent', () => {
    const value = cacheControl('public, max-age=60')
    for (const request of [
      requestOf(),
      requestOf({}, ada),
      requestOf({ cookie: 'theme=dark' }),
      requestOf({ authorization: 'Basic eA==' }, ada),
    ])
      expect(kindOf(value, request)).toBe('everyone')
  })

  test.each(['Cookie', 'Authorization', 'X-Forwarded-User', 'accept, x-forwarded-email'])(
    'public, but varies by %s: nobody else',
    (vary) => {
      const headers = { ...cacheControl('public, max-age=60'), vary }
      expect(kindOf(headers, requestOf({}, ada))).toBe('circle')
      expect(kindOf(headers, requestOf({ cookie: 'a=1' }, ada))).toBe('not-stored')
    },
  )
})
