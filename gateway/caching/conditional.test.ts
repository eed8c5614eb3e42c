import { describe, expect, it } from 'vitest'
import { isConfirmedBy, isHeldByClient, renewed, validatorsOf } from './conditional.ts'

const modified = 'Sat, 21 Nov 2026 12:00:00 GMT'
const earlier = 'Sat, 21 Nov 2026 11:59:59 GMT'
const later = 'Sat, 21 Nov 2026 12:00:01 GMT'

describe('304 says enough', () => {
  it.each([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['"b", W/"a"', '"a"', true],
    ['"b", "c"', '"a"', false],
    ['"x,y"', '"x,y"', true],
    ['a', '"a"', false],
    ['*', '"a"', true],
  ])('If-None-Match: %s against %s: %s', (asked, etag, held) => {
    expect(isHeldByClient({ 'if-none-match': asked }, 200, { etag })).toBe(held)
  })

  it('If-Modified-Since, and only without If-None-Match', () => {
    const stored = { 'last-modified': modified, etag: '"a"' }
    expect(isHeldByClient({ 'if-modified-since': modified }, 200, stored)).toBe(true)
    expect(isHeldByClient({ 'if-modified-since': later }, 200, stored)).toBe(true)
    expect(isHeldByClient({ 'if-modified-since': earlier }, 200, stored)).toBe(false)
    expect(isHeldByClient({ 'if-modified-since': 'yesterday' }, 200, stored)).toBe(false)
    expect(isHeldByClient({ 'if-modified-since': later, 'if-none-match': '"b"' }, 200, stored)).toBe(false)
  })

  it('Date stands in for Last-Modified', () => {
    expect(isHeldByClient({ 'if-modified-since': modified }, 200, { date: modified })).toBe(true)
    expect(isHeldByClient({ 'if-modified-since': earlier }, 200, { date: modified })).toBe(false)
  })

  it('only for a 200', () => {
    expect(isHeldByClient({ 'if-none-match': '"a"' }, 404, { etag: '"a"' })).toBe(false)
  })
})

describe('asking the app again', () => {
  it('with what it gave as validators', () => {
    expect(validatorsOf({ etag: 'W/"a"', 'last-modified': modified })).toEqual({
      'if-none-match': 'W/"a"',
      'if-modified-since': modified,
    })
    expect(validatorsOf({})).toEqual({})
  })

  it.each([
    [{ etag: '"a"' }, { etag: '"a"' }, true],
    [{ etag: '"a"' }, { etag: '"b"' }, false],
    [{ etag: 'W/"a"' }, { etag: '"a"' }, false],
    [{ etag: '"a"' }, { etag: 'W/"a"' }, true],
    [{ 'last-modified': modified }, { etag: '"a"' }, false],
    [{ 'last-modified': modified }, { 'last-modified': modified }, true],
    [{ 'last-modified': modified }, { 'last-modified': later }, false],
    [{ etag: '"a"' }, {}, true],
  ])('%o is confirmed by a 304 with %o: %s', (stored, answer, isConfirmed) => {
    expect(isConfirmedBy(stored, answer)).toBe(isConfirmed)
  })

  it('the answer’s fields replace the stored ones, but for what describes the body', () => {
    const stored = {
      age: '9',
      'cache-control': 'max-age=1',
      'content-length': '5',
      'content-encoding': 'br',
      'x-kept': 'k',
    }
    const answer = {
      'cache-control': 'max-age=60',
      'content-length': '0',
      'content-encoding': 'gzip',
      'x-new': 'n',
    }
    expect(renewed(stored, answer)).toEqual({
      'cache-control': 'max-age=60',
      'content-length': '5',
      'content-encoding': 'br',
      'x-kept': 'k',
      'x-new': 'n',
    })
  })
})
