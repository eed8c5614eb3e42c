const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'])

/** One of nine names or `OTHER`: a client may send any word as its method. */
export const methodLabel = (method: string): string => (knownMethods.has(method) ? method : 'OTHER')

/** Requests that no route matched share one label, whatever their paths. */
export const routeLabel = (route: string | null): string => route ?? 'none'

export type DecisionLabel = 'allowed' | 'near' | 'denied' | 'shadow_denied'

/** What one window said of one call. `remaining` counts the places left after it. */
export interface Verdict {
  readonly request: { readonly policy: { readonly name: string }; readonly isShadow: boolean }
  readonly quota: number
  readonly hasRoom: boolean
  readonly remaining: number
}

/** `near` warns before anyone is refused: at most a fifth of the quota is left. */
export function decisionLabel({ request, quota, hasRoom, remaining }: Verdict): DecisionLabel {
  if (!hasRoom) return request.isShadow ? 'shadow_denied' : 'denied'
  return remaining <= quota / 5 ? 'near' : 'allowed'
}
