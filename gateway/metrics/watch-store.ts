export interface StoreWatcher {
  readonly called: (durationSeconds: number) => void
  readonly failed: () => void
  /** Told when a call succeeded after a failure, or failed after a success. */
  readonly changed: (isUp: boolean) => void
}

/**
 * Gives back the same home of a contract, every asynchronous method of it timed and its failures counted. Homes in
 * one database are watched together: what one learns of it holds for all.
 */
export function watchStore(watcher: StoreWatcher): <Home extends object>(home: Home) => Home {
  let isUp = true

  function settled(succeeded: boolean, startedAtMs: number): void {
    watcher.called((performance.now() - startedAtMs) / 1000)
    if (!succeeded) watcher.failed()
    if (succeeded === isUp) return
    isUp = succeeded
    watcher.changed(isUp)
  }

  return (home) => {
    const entries = Object.entries(home).map(([name, value]) => [
      name,
      typeof value === 'function' ? watched(value.bind(home)) : value,
    ])
    return Object.fromEntries(entries) as typeof home
  }

  function watched(method: (...values: unknown[]) => unknown): (...values: unknown[]) => unknown {
    return (...values) => {
      const startedAtMs = performance.now()
      const answer = method(...values)
      if (answer instanceof Promise) {
        answer.then(
          () => settled(true, startedAtMs),
          () => settled(false, startedAtMs),
        )
      }
      return answer
    }
  }
}
