import type { AdmissionRequest, AdmissionStore } from './admission.ts'
import type { Decision } from './decision.ts'

/** What the limiter knows of its store. Once away, it is asked again only when a probe succeeded. */
type StoreState =
  | { readonly kind: 'up'; failuresInARow: number; firstFailureAtMs: number }
  | { readonly kind: 'away' }

const up = (): StoreState => ({ kind: 'up', failuresInARow: 0, firstFailureAtMs: 0 })

export interface LimiterOptions {
  readonly store: AdmissionStore
  /** The windows of this process, for policies that say `local`. */
  readonly local: AdmissionStore
  /** Resolves when the store answers again. */
  readonly probe: () => Promise<unknown>
  readonly probeIntervalMs?: number
  /**
   * This many in a row stop the asking, if one of them was asked after the first had failed: calls that
   * waited together for one slow answer are one bad moment, not a store that is away.
   */
  readonly failuresToGoAway?: number
  readonly storeChanged: (isUp: boolean, reason: unknown) => void
  readonly storeAnswered: (durationMs: number) => void
  readonly storeFailed: (error: unknown) => void
}

export interface Limiter extends Disposable {
  /** Never rejects because of the store. A session is presumed alive while nobody can tell. */
  decide(request: AdmissionRequest): Promise<Decision>
  isStoreUp(): boolean
}

/**
 * Asks the store, and does what each policy says when the store is away: `local` counts in this
 * process, `open` lets pass, `closed` refuses.
 */
export function createLimiter(options: LimiterOptions): Limiter {
  const { store, local, probeIntervalMs = 200, failuresToGoAway = 5 } = options
  let state = up()
  let probing: NodeJS.Timeout | undefined

  function failed(error: unknown, askedAtMs: number): void {
    options.storeFailed(error)
    if (state.kind === 'away') return
    if (state.failuresInARow++ === 0) state.firstFailureAtMs = performance.now()
    if (state.failuresInARow < failuresToGoAway || askedAtMs < state.firstFailureAtMs) return
    state = { kind: 'away' }
    options.storeChanged(false, error)
    probeLater()
  }

  function probeLater(): void {
    probing = setTimeout(async () => {
      try {
        await options.probe()
        state = up()
        options.storeChanged(true, null)
      } catch {
        probeLater()
      }
    }, probeIntervalMs).unref()
  }

  async function decideAlone({ windows }: AdmissionRequest): Promise<Decision> {
    const closed = windows
      .map(({ policy }) => policy)
      .filter(({ whenStoreIsDown }) => whenStoreIsDown === 'closed')
    if (closed.length > 0) return { kind: 'store-away', tier: 'degraded', closed }
    const counted = windows.filter(({ policy }) => policy.whenStoreIsDown === 'local')
    const admission = await local.admit({ session: null, windows: counted })
    return { ...admission, tier: 'degraded' }
  }

  return {
    async decide(request) {
      if (state.kind === 'away') return decideAlone(request)
      const askedAtMs = performance.now()
      try {
        const admission = await store.admit(request)
        options.storeAnswered(performance.now() - askedAtMs)
        if (state.kind === 'up') state.failuresInARow = 0
        return { ...admission, tier: 'store' }
      } catch (error) {
        failed(error, askedAtMs)
        return decideAlone(request)
      }
    },
    isStoreUp: () => state.kind === 'up',
    [Symbol.dispose]: () => clearTimeout(probing),
  }
}
