import type { AdmissionRequest, AdmissionStore, Replayed, WindowRequest } from './admission.ts'
import type { Decision } from './decision.ts'

/** Calls remembered for the store's return; the oldest go first, since they leave their windows first. */
const mostRemembered = 100_000
const callsPerReplay = 500

export interface LoneDecisionsOptions {
  /** The windows of this process. */
  readonly local: AdmissionStore
  /** How many gateways share a quota; each may give out its part while it is alone. */
  readonly instances: number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

export interface LoneDecisions {
  decide(request: AdmissionRequest): Promise<Decision>
  /** As `decide`, counting nothing. */
  look(request: AdmissionRequest): Promise<Decision>
  /** Tells the store what was admitted without it; what it did not take is kept for the next time. */
  replayTo(store: Pick<AdmissionStore, 'replay'>): Promise<void>
}

/** What each policy says while the store is away: count alone, let pass, or refuse. */
export function createLoneDecisions({
  local,
  instances,
  now = () => performance.now(),
}: LoneDecisionsOptions): LoneDecisions {
  let admitted: { readonly window: WindowRequest; readonly atMs: number }[] = []

  function remember(windows: readonly WindowRequest[]): void {
    const atMs = now()
    for (const window of windows) admitted.push({ window, atMs })
    if (admitted.length > 2 * mostRemembered) admitted = admitted.slice(-mostRemembered)
  }

  async function decide(request: AdmissionRequest, act: 'admit' | 'look'): Promise<Decision> {
    const closed = request.windows.filter(
      ({ policy, isShadow }) => policy.whenStoreIsDown === 'closed' && !isShadow,
    )
    if (closed.length > 0)
      return { kind: 'store-away', tier: 'degraded', closed: closed.map(({ policy }) => policy) }
    const counted = request.windows.filter(({ policy }) => policy.whenStoreIsDown === 'local')
    const shares = counted.map((window) => ({ ...window, quota: shareOf(window, instances) }))
    // Nobody can say whether the session is alive: the token's own short life has to do.
    const admission = await local[act]({ ...request, session: null, windows: shares })
    if (act === 'admit' && admission.kind === 'allowed') {
      remember(counted.filter((_, i) => admission.windows[i]?.hasRoom))
    }
    return { ...admission, tier: 'degraded' }
  }

  return {
    decide: (request) => decide(request, 'admit'),
    look: (request) => decide(request, 'look'),

    async replayTo(store) {
      while (admitted.length > 0) {
        const part = admitted.slice(0, callsPerReplay)
        const atMs = now()
        await store.replay(
          part.map(({ window, atMs: madeAtMs }): Replayed => ({ window, agoMs: atMs - madeAtMs })),
        )
        admitted = admitted.slice(part.length)
      }
    },
  }
}

const shareOf = ({ quota, cost }: WindowRequest, instances: number): number =>
  Math.max(Math.min(quota, cost), Math.floor(quota / instances))
