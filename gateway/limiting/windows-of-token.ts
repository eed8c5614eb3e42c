import type { WindowRequest } from './admission.ts'
import type { CountedRoute } from './windows-of-call.ts'

/** The windows of a route by the caller that a token names, the same object each time the token is sent. */
export type WindowsByCaller = WeakMap<object, readonly WindowRequest[]>

/**
 * Remembers windows: calls of one token on one route have the same ones, unless a policy looks at the request too.
 * Made anew for each call they, and the names in them, cost more than to decide about them.
 *
 * @returns null for a route whose windows are not to be remembered
 */
export function rememberWindows(): (route: CountedRoute) => WindowsByCaller | null {
  const byRoute = new Map<CountedRoute, WindowsByCaller | null>()
  return (route) => {
    let windows = byRoute.get(route)
    if (windows === undefined) {
      windows = route.policies.every(isByToken) ? new WeakMap() : null
      byRoute.set(route, windows)
    }
    return windows
  }
}

const isByToken = ({ by }: CountedRoute['policies'][number]): boolean =>
  by.every((key) => key === 'user' || key === 'role')
