import type { AdmissionRequest } from './admission.ts'
import type { Decision } from './decision.ts'
import type { Limiter } from './limiter.ts'
import type { Policy } from './policy.ts'
import { mostTimes, policyState, type QuotaState } from './quota-state.ts'

/** Every window of a caller, to be looked at. */
export interface QuotaRequest extends AdmissionRequest {
  /** Whose windows they are, another issuer's account included; null: an address's. */
  readonly accountId: string | null
}

export type QuotaReading =
  | { readonly kind: 'state'; readonly state: QuotaState }
  | { readonly kind: 'session-ended' }
  /** The store is away, and these policies say `closed`. */
  | { readonly kind: 'store-away'; readonly closed: readonly Policy[] }

/** The caller's windows as they are now; counts nothing. Never rejects because of the store. */
export async function readQuota(limiter: Limiter, request: QuotaRequest): Promise<QuotaReading> {
  const looked = await limiter.look(request)
  if (looked.kind === 'session-ended') return { kind: 'session-ended' }
  if (looked.kind === 'store-away') return { kind: 'store-away', closed: looked.closed }
  return { kind: 'state', state: await stateOf(limiter, request, looked) }
}

/** What has just been looked at, with the times at which places become free. */
export async function stateOf(
  limiter: Pick<Limiter, 'timeline'>,
  { accountId }: Pick<QuotaRequest, 'accountId'>,
  looked: Extract<Decision, { kind: 'allowed' | 'denied' }>,
): Promise<QuotaState> {
  const times = await Promise.all(looked.windows.map((window) => limiter.timeline(looked, window, mostTimes)))
  const nowMs = Date.now()
  return {
    at: new Date(nowMs).toISOString(),
    account: accountId,
    isDegraded: looked.tier === 'degraded',
    policies: looked.windows.map((window, i) => policyState(window, times[i] ?? [], nowMs)),
  }
}
