import { expect, test } from 'vitest'
import { addressGroup, pathGroup, pathGroupsOf } from './purge-group.ts'

test.each([
  ['a letter that is encoded', 'a.example', '/%61b/c?d=e', '/ab/c?d=e'],
  ['one in the query', 'a.example', '/ab/c?d=%65', '/ab/c?d=e'],
  ['the case of a triplet', 'a.example', '/caf%c3%a9', '/caf%C3%A9'],
  ['what parsers of URLs encode', 'a.example', "/{a}?b='c'", '/%7Ba%7D?b=%27c%27'],
  ['the case of the host', 'A.Example', '/ab', '/ab'],
  ['the port of http', 'a.example:80', '/ab', '/ab'],
  ['the port of https', 'a.example:443', '/ab', '/ab'],
  ['an empty port', 'a.example:', '/ab', '/ab'],
])('one address: %s', (_what, host, target, shortest) => {
  expect(addressGroup(host, target)).toBe(addressGroup('a.example', shortest))
})

const plain = { host: 'a.example', target: '/ab/c?d=e' }

test.each([
  ['what separates, encoded', 'a.example', '/ab%2Fc?d=e'],
  ['a value with an encoded ampersand', 'a.example', '/ab/c?d=e%26'],
  ['a percent sign that is encoded', 'a.example', '/%2561b/c?d=e'],
  ['the case of a path', 'a.example', '/AB/c?d=e'],
  ['another port', 'a.example:8080', '/ab/c?d=e'],
  ['an IPv6 address that ends like a port', '[::80]', '/ab/c?d=e'],
  ['another query', 'a.example', '/ab/c'],
])('another address: %s', (_what, host, target) => {
  expect(addressGroup(host, target)).not.toBe(addressGroup(plain.host, plain.target))
})

test.each(['/Café', '/caf%C3%A9', '/caf%c3%a9'])('%s is the path that routes call /café', (written) => {
  expect(pathGroupsOf(written)).toContain(pathGroup('/café'))
})

test('a percent sign that encodes nothing is one', () => {
  expect(pathGroupsOf('/100%')).toEqual([pathGroup('/100%')])
})
