import { expect, test } from 'vitest'
import { isCrossSiteWrite } from './cross-site.ts'

const host = 'shop.example'

test.for([
  ['POST', { 'sec-fetch-site': 'cross-site' }, true],
  ['DELETE', { 'sec-fetch-site': 'cross-site' }, true],
  ['GET', { 'sec-fetch-site': 'cross-site' }, false],
  ['POST', { 'sec-fetch-site': 'same-origin' }, false],
  ['POST', { 'sec-fetch-site': 'none' }, false],
  ['POST', {}, false],
  ['POST', { host, origin: 'http://shop.example' }, false],
  ['POST', { host: '10.0.0.7:3000', 'x-forwarded-host': host, origin: 'https://shop.example' }, false],
  ['POST', { host, origin: 'http://evil.example' }, true],
  ['POST', { host, origin: 'null' }, true],
] as const)('%s with %j: cross-site %s', ([method, headers, crossSite]) => {
  expect(isCrossSiteWrite(method, headers)).toBe(crossSite)
})
