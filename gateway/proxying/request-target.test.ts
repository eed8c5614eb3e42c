import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTarget, withoutOrigin } from './request-target.ts'

const read = (target: string) => {
  const result = readTarget(target)
  return result.kind === 'path' ? result.path : result.kind
}

describe('a path that every reader takes for the same', () => {
  it.each([
    ['/', '/'],
    ['/services/vente', '/services/vente'],
    ['/services/vente/', '/services/vente/'],
    ['/Services/VENTE?x=1', '/services/vente'],
    ['/services/vente?next=/a/../b//c;d', '/services/vente'],
    ['/services/%76ente', '/services/vente'],
    ['/%C3%A9t%C3%A9', '/été'],
    ['/a%20b', '/a b'],
    ['/~ada/photo.jpg', '/~ada/photo.jpg'],
    ['/a/...', '/a/...'],
    ['/.well-known/x', '/.well-known/x'],
    ['/a?q=100%&r=[1]', '/a'],
  ])('%s is matched as %s', (target, path) => {
    expect(read(target)).toBe(path)
  })
})

describe('a path that two readers could take for different ones is refused', () => {
  it.each([
    '//127.0.0.1:9999/x',
    '/a//x',
    '/a/../x',
    '/a/..',
    '/./a',
    '/a/./x',
    '/a/%2e%2e/x',
    '/a/%2E/x',
    '/a/..;/x',
    '/a;x=1',
    '/a/%3bx',
    '/a/..%2fx',
    '/%2f%2fh',
    '/%2Fa',
    '/a\\..\\x',
    '/\\127.0.0.1/x',
    '/a%5cx',
    '/a%00',
    '/a%0d%0aX:1',
    '/a%7f',
    '/%zz',
    '/%',
    '/a%4',
    '/%c3',
    '/a#frag',
    '/a?x#frag',
    '/caf\u00e9',
    '/a\u0080',
    '/a b',
    '/a?x=\u00e9',
  ])('%s', (target) => {
    expect(read(target)).toBe('ambiguous')
  })

  it('whatever it is made of: what passes has no empty, dot or encoded-slash segment and decodes once', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '%2e',
      '%2F',
      '%5C',
      '\\',
      ';',
      'a',
      'B',
      '%41',
      '%',
      '%00',
      '?',
      '#',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const target = `/${pieces.join('')}`
        const result = readTarget(target)
        if (result.kind !== 'path') return
        // The URL standard's own parser, which folds dot segments and backslashes, must change nothing.
        const asUrl = new URL(target, 'http://upstream')
        expect(asUrl.host).toBe('upstream')
        expect(decodeURIComponent(asUrl.pathname).toLowerCase()).toBe(result.path)
        expect(result.path).not.toMatch(/\/\/|\\|;|\/\.\.?(\/|$)/)
      }),
      { numRuns: 20_000 },
    )
  })
})

it('refuses a target that is no path, and one over 8 KB', () => {
  expect(read('*')).toBe('not-a-path')
  expect(read('@host')).toBe('not-a-path')
  expect(read(`/${'a'.repeat(8192)}`)).toBe('too-long')
})

it('serves an absolute-form target by its path, only when it names the host it was sent to', () => {
  expect(withoutOrigin('http://example.org/x?y', 'example.org')).toBe('/x?y')
  expect(withoutOrigin('http://example.org', 'example.org')).toBe('/')
  expect(withoutOrigin('http://example.org?y', 'Example.org')).toBe('/?y')
  expect(withoutOrigin('http://127.0.0.1:9999/x', 'example.org')).toBe('http://127.0.0.1:9999/x')
  expect(withoutOrigin('http://a@example.org/x', 'example.org')).toBe('http://a@example.org/x')
  expect(withoutOrigin('/x', 'example.org')).toBe('/x')
})
