import type { WindowRequest } from './admission.ts'
import type { Asker } from './subject.ts'
import { type CountedRoute, windowsOf } from './windows-of-call.ts'

export interface ReachableRoute extends CountedRoute {
  readonly access: 'public' | 'connected'
}

/**
 * Every window that counts some call of `asker`, each once, as a call that takes one place sees it.
 * Left out: shadows, which limit nobody, and windows by a header that this request does not carry.
 */
export function windowsOfCaller(
  routes: readonly ReachableRoute[],
  asker: Asker,
  plan: string | null,
): WindowRequest[] {
  const windows = new Map<string, WindowRequest>()
  for (const route of routes) {
    // A call that never gets past the login is counted nowhere.
    if (route.access === 'connected' && asker.accountId === null) continue
    for (const policy of route.policies) {
      const reading = windowsOf({ ...route, policies: [policy], cost: 1 }, asker, plan)
      if (reading.kind === 'missing') continue
      for (const window of reading.windows) {
        if (!window.isShadow) windows.set(`${window.bucket} ${window.subject}`, window)
      }
    }
  }
  return [...windows.values()]
}
