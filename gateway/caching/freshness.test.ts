import { assert, constantFrom, integer, option, property, record } from 'fast-check'
import CachePolicy from 'http-cache-semantics'
import { describe, expect, it, test } from 'vitest'
import { directiveMs, readDirectives } from './cache-control.ts'
import { hasValidator } from './cacheable.ts'
import { httpDateMs, initialAgeMs, lifetimeOf, type ResponseHeaders } from './freshness.ts'
import type { StoredResponse } from './responses.ts'
import { ageMs, keepMs, usabilityOf } from './usability.ts'

const nowMs = Date.parse('Sat, 21 Nov 2026 12:00:00 GMT')
const date = new Date(nowMs).toUTCString()

function stored(headers: ResponseHeaders, delayMs = 0): StoredResponse {
  return {
    status: 200,
    headers,
    body: Buffer.alloc(0),
    receivedAtMs: nowMs,
    initialAgeMs: initialAgeMs(headers, nowMs, delayMs),
    lifetime: lifetimeOf(headers, readDirectives(headers['cache-control'] as string), nowMs),
  }
}

const usable = (headers: ResponseHeaders, afterSeconds: number, asked = '') =>
  usabilityOf(stored({ date, ...headers }), readDirectives(asked), nowMs + afterSeconds * 1000)

const kindAfter = (cacheControl: string, afterSeconds: number, asked = '') =>
  usable({ 'cache-control': cacheControl }, afterSeconds, asked).kind

describe('how long an answer is fresh', () => {
  it('exactly as long as it says: at that second it is stale', () => {
    expect(kindAfter('max-age=60', 59)).toBe('fresh')
    expect(kindAfter('max-age=60', 60)).toBe('to-validate')
  })

  it('s-maxage goes before max-age, max-age before Expires', () => {
    expect(kindAfter('max-age=60, s-maxage=10', 30)).toBe('to-validate')
    expect(kindAfter('max-age=10, s-maxage=60', 30)).toBe('fresh')
    const expires = new Date(nowMs + 60_000).toUTCString()
    expect(usable({ expires }, 30).kind).toBe('fresh')
    expect(usable({ expires }, 60).kind).toBe('to-validate')
    expect(usable({ expires, 'cache-control': 'max-age=10' }, 30).kind).toBe('to-validate')
  })

  it('Expires counts from Date, not from our clock', () => {
    const past = new Date(nowMs - 50_000).toUTCString()
    const headers = { date: past, expires: new Date(nowMs + 10_000).toUTCString() }
    expect(stored(headers).lifetime.freshForMs).toBe(60_000)
    expect(stored(headers).initialAgeMs).toBe(50_000)
  })

  it('an absurd number is as long as can be said', () => {
    expect(directiveMs(readDirectives('max-age=99999999999999999999'), 'max-age')).toBe(2 ** 31 * 1000)
  })

  it('no-cache is never fresh', () => {
    expect(kindAfter('max-age=60, no-cache', 1)).toBe('to-validate')
    expect(kindAfter('max-age=60, no-cache="x"', 1)).toBe('to-validate')
  })
})

describe('how old an answer is', () => {
  it('by its Age and the time it took, or by its Date, whichever is more', () => {
    expect(initialAgeMs({ date, age: '10' }, nowMs, 500)).toBe(10_500)
    expect(initialAgeMs({ date: new Date(nowMs - 30_000).toUTCString(), age: '10' }, nowMs, 500)).toBe(30_000)
    expect(initialAgeMs({ date: new Date(nowMs + 30_000).toUTCString() }, nowMs, 0)).toBe(0)
  })

  it('the first of several Ages; one that is no number is ignored', () => {
    expect(initialAgeMs({ date, age: ['10', '99'] }, nowMs, 0)).toBe(10_000)
    for (const age of ['-5', '1.5', 'x', '']) expect(initialAgeMs({ date, age }, nowMs, 0)).toBe(0)
  })

  it('an Age uses up the freshness', () => {
    expect(usable({ age: '55', 'cache-control': 'max-age=60' }, 4).kind).toBe('fresh')
    expect(usable({ age: '55', 'cache-control': 'max-age=60' }, 5).kind).toBe('to-validate')
  })

  it('a clock that was set back makes nothing younger', () => {
    expect(ageMs(stored({ date, age: '5' }), nowMs - 60_000)).toBe(5_000)
  })
})

describe('what a request may ask', () => {
  it.each([
    ['no-cache', 'to-validate'],
    ['max-age=0', 'to-validate'],
    ['max-age=9', 'to-validate'],
    ['max-age=10', 'fresh'],
    ['min-fresh=49', 'fresh'],
    ['min-fresh=50', 'to-validate'],
    ['only-if-cached', 'fresh'],
  ])('%s', (asked, kind) => {
    expect(kindAfter('max-age=60', 10, asked)).toBe(kind)
  })
})

describe('stale answers', () => {
  it('while it is renewed, as long as the answer allows', () => {
    const value = 'max-age=60, stale-while-revalidate=30'
    expect(kindAfter(value, 60)).toBe('stale-while-revalidate')
    expect(kindAfter(value, 89)).toBe('stale-while-revalidate')
    expect(kindAfter(value, 90)).toBe('to-validate')
    expect(kindAfter(value, 70, 'no-cache')).toBe('to-validate')
    expect(kindAfter(value, 70, 'min-fresh=1')).toBe('to-validate')
  })

  it('when the app fails, as long as the answer allows', () => {
    const value = { 'cache-control': 'max-age=60, stale-if-error=30' }
    expect(usable(value, 89)).toMatchObject({ kind: 'to-validate', mayHelpOut: true })
    expect(usable(value, 90)).toMatchObject({ kind: 'to-validate', mayHelpOut: false })
  })

  it.each(['must-revalidate', 'proxy-revalidate', 's-maxage=60', 'no-cache'])('never with %s', (forbids) => {
    const value = `max-age=60, ${forbids}, stale-while-revalidate=30, stale-if-error=30`
    expect(usable({ 'cache-control': value }, 70)).toMatchObject({ kind: 'to-validate', mayHelpOut: false })
  })
})

test('what is kept is kept as long as it can be of use', () => {
  const plain = stored({ date, age: '10', 'cache-control': 'max-age=60' })
  expect(keepMs(plain, hasValidator(plain.headers))).toBe(50_000)
  const tagged = stored({ date, etag: '"a"', 'cache-control': 'max-age=60' })
  expect(keepMs(tagged, hasValidator(tagged.headers))).toBe(3_660_000)
})

test('only the three forms of a date are dates', () => {
  expect(httpDateMs('Sat, 21 Nov 2026 12:00:00 GMT')).toBe(nowMs)
  expect(httpDateMs('Sat Nov 21 12:00:00 2026')).toBe(nowMs)
  expect(httpDateMs('Saturday, 21-Nov-26 12:00:00 GMT')).toBe(nowMs)
  for (const text of [
    '0',
    '-1',
    '2026-11-21',
    'Sat, 21 Nov 2026 12:00:00 +0100',
    'Sat, 99 Nov 2026 12:00:00 GMT',
  ])
    expect(httpDateMs(text)).toBeNull()
})

/** A library that many clients rely on, made to tell the time we give it. */
class Oracle extends CachePolicy {
  static nowMs = nowMs
  now(): number {
    return Oracle.nowMs
  }
}

test('never fresh where http-cache-semantics finds it stale', () => {
  const seconds = integer({ min: 0, max: 100 })
  const maybe = option(seconds, { nil: undefined })
  const cases = record({
    maxAge: maybe,
    sMaxage: maybe,
    age: maybe,
    expires: maybe,
    date: integer({ min: -50, max: 50 }),
    // Not proxy-revalidate, which the library reads as max-age=0.
    flag: constantFrom('', 'must-revalidate', 'no-cache', 'public'),
    after: seconds,
  })
  assert(
    property(cases, ({ maxAge, sMaxage, age, expires, date: offset, flag, after }) => {
      const sentAtMs = nowMs + offset * 1000
      const parts = [
        maxAge === undefined ? '' : `max-age=${maxAge}`,
        sMaxage === undefined ? '' : `s-maxage=${sMaxage}`,
        flag,
      ].filter(Boolean)
      const headers = {
        date: new Date(sentAtMs).toUTCString(),
        ...(parts.length > 0 && { 'cache-control': parts.join(', ') }),
        ...(age !== undefined && { age: String(age) }),
        ...(expires !== undefined && { expires: new Date(sentAtMs + expires * 1000).toUTCString() }),
      }
      Oracle.nowMs = nowMs
      const oracle = new Oracle({ headers: {} }, { status: 200, headers }, { cacheHeuristic: 0 })
      Oracle.nowMs = nowMs + after * 1000
      const ours = usabilityOf(stored(headers), readDirectives(''), Oracle.nowMs)
      if (ours.kind === 'fresh') expect(oracle.stale()).toBe(false)
    }),
    { numRuns: 2_000 },
  )
})
