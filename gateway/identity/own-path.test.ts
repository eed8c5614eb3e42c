import { describe, expect, it } from 'vitest'
import { ownPath } from './own-path.ts'

describe('return_to', () => {
  it.each([
    '/',
    '/services/vente',
    '/services/vente?page=2&q=%C3%A9t%C3%A9#top',
    '/a%20b',
    '/?next=https://example.org/',
    '/@example.org',
    '/javascript:alert(1)',
  ])('may be the own path %j', (path) => {
    expect(ownPath(path)).toBe(path)
  })

  it('is encoded as a Location header wants it', () => {
    expect(ownPath('/été')).toBe('/%C3%A9t%C3%A9')
    expect(ownPath('/a/../b')).toBe('/b')
  })

  it.each([
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https:evil.example',
    'https://evil.example/',
    'http:/evil.example',
    '/%0d%0aX:1',
    '/%0D%0ASet-Cookie:a=b',
    '/\r\nX:1',
    '/\t/evil.example',
    '/\n/evil.example',
    '\t//evil.example',
    ' //evil.example',
    '/ /evil.example',
    '/%09/evil.example',
    '/%5cevil.example',
    '/%2fevil.example',
    '/%2F/evil.example',
    '/..//evil.example',
    '/.//evil.example',
    '/x/..//evil.example',
    '/\u2028/evil.example',
    '/\u0000',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'evil.example',
    '.evil.example',
    '@evil.example',
    '?x',
    '#x',
    '',
    `/${'x'.repeat(2_000)}`,
    undefined,
    null,
    7,
    ['/', '/'],
  ])('is refused as %j', (path) => {
    expect(ownPath(path)).toBe(null)
  })
})
