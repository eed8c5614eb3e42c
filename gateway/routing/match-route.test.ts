import { expect, it } from 'vitest'
import { createRouteMatcher } from './match-route.ts'
import type { Route } from './route.ts'

const route = (path: string): Route => ({
  name: path,
  path,
  service: null,
  upstream: 'app',
  access: 'public',
  crossSite: 'refuse',
  policies: [],
  cost: 1,
  isCached: false,
  responseTimeoutMs: null,
})

const find = createRouteMatcher(['/', '/api/vente', '/api', '/Shop/'].map(route))

it.each([
  ['/', '/'],
  ['/unknown', '/'],
  ['/api', '/api'],
  ['/api/', '/api'],
  ['/api/vente', '/api/vente'],
  ['/api/vente/7/photo', '/api/vente'],
  ['/api/ventes', '/api'],
  ['/shop/x', '/Shop/'],
])('%s goes to %s', (path, name) => {
  expect(find(path)?.name).toBe(name)
})

it('finds nothing where no route covers the path', () => {
  expect(createRouteMatcher([route('/api')])('/other')).toBeNull()
})
