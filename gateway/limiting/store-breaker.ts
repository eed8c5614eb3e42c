/** What is known of a store. Once away, it is asked again only when a probe succeeded. */
type State =
  | { readonly kind: 'up'; failuresInARow: number; firstFailureAtMs: number }
  | { readonly kind: 'away' }

const up = (): State => ({ kind: 'up', failuresInARow: 0, firstFailureAtMs: 0 })

export interface StoreBreakerOptions {
  /** Resolves when the store answers again, and has been told what it missed. */
  readonly probe: () => Promise<unknown>
  readonly probeIntervalMs?: number
  /**
   * This many in a row stop the asking, if one of them was asked after the first had failed: calls that
   * waited together for one slow answer are one bad moment, not a store that is away.
   */
  readonly failuresToGoAway?: number
  readonly changed: (isUp: boolean, reason: unknown) => void
}

export interface StoreBreaker extends Disposable {
  isUp(): boolean
  succeeded(): void
  /** @param askedAtMs on the clock of `performance.now()` */
  failed(error: unknown, askedAtMs: number): void
}

export function createStoreBreaker(options: StoreBreakerOptions): StoreBreaker {
  const { probeIntervalMs = 200, failuresToGoAway = 5 } = options
  let state = up()
  let probing: NodeJS.Timeout | undefined
  let isDisposed = false

  function probeLater(): void {
    if (!isDisposed) probing = setTimeout(probe, probeIntervalMs).unref()
  }

  async function probe(): Promise<void> {
    try {
      await options.probe()
      state = up()
      options.changed(true, null)
    } catch {
      probeLater()
    }
  }

  return {
    isUp: () => state.kind === 'up',
    succeeded() {
      if (state.kind === 'up') state.failuresInARow = 0
    },
    failed(error, askedAtMs) {
      if (state.kind === 'away') return
      if (state.failuresInARow++ === 0) state.firstFailureAtMs = performance.now()
      if (state.failuresInARow < failuresToGoAway || askedAtMs < state.firstFailureAtMs) return
      state = { kind: 'away' }
      options.changed(false, error)
      probeLater()
    },
    [Symbol.dispose]() {
      isDisposed = true
      clearTimeout(probing)
    },
  }
}
