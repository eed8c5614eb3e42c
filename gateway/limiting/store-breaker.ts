/** What is known of a store. Once away, it is asked again only when a probe succeeded. */
type State = { readonly kind: 'up'; readonly failuresInARow: number } | { readonly kind: 'away' }

export interface StoreBreakerOptions {
  /** Resolves when the store answers again, and has been told what it missed. */
  readonly probe: () => Promise<unknown>
  readonly probeIntervalMs?: number
  /** One slow answer degrades one call; this many in a row stop the asking. */
  readonly failuresToGoAway?: number
  readonly changed: (isUp: boolean, reason: unknown) => void
}

export interface StoreBreaker extends Disposable {
  isUp(): boolean
  succeeded(): void
  failed(error: unknown): void
}

export function createStoreBreaker(options: StoreBreakerOptions): StoreBreaker {
  const { probeIntervalMs = 200, failuresToGoAway = 5 } = options
  let state: State = { kind: 'up', failuresInARow: 0 }
  let probing: NodeJS.Timeout | undefined
  let isDisposed = false

  function probeLater(): void {
    if (!isDisposed) probing = setTimeout(probe, probeIntervalMs).unref()
  }

  async function probe(): Promise<void> {
    try {
      await options.probe()
      state = { kind: 'up', failuresInARow: 0 }
      options.changed(true, null)
    } catch {
      probeLater()
    }
  }

  return {
    isUp: () => state.kind === 'up',
    succeeded() {
      if (state.kind === 'up' && state.failuresInARow > 0) state = { kind: 'up', failuresInARow: 0 }
    },
    failed(error) {
      if (state.kind === 'away') return
      const failuresInARow = state.failuresInARow + 1
      if (failuresInARow < failuresToGoAway) {
        state = { kind: 'up', failuresInARow }
        return
      }
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
