import type { Route } from './route.ts'

/**
 * Finds the route with the longest path that covers a canonical path (see `readTarget`). Routes are
 * compared in lower case, since many apps do not tell `/Admin` from `/admin`: matching the looser
 * route would let a caller pass by.
 */
export function createRouteMatcher(routes: readonly Route[]): (path: string) => Route | null {
  const byPath = new Map(routes.map((route) => [withoutTrailingSlash(route.path.toLowerCase()), route]))
  return function matchRoute(path) {
    let prefix = withoutTrailingSlash(path)
    for (;;) {
      const route = byPath.get(prefix)
      if (route !== undefined) return route
      const slash = prefix.lastIndexOf('/')
      if (slash === -1) return null
      prefix = prefix.slice(0, slash)
    }
  }
}

const withoutTrailingSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path)
