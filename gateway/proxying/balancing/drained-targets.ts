/** What an operator wants of one target. */
export interface DrainChange {
  readonly upstream: string
  /** Host and port. */
  readonly target: string
  readonly isDraining: boolean
}

/** Which targets operators have taken out. It outlives what a new configuration replaces. */
export class DrainedTargets {
  readonly #changes = new Map<string, DrainChange>()
  readonly #listeners = new Set<(change: DrainChange) => void>()

  isDrained(upstream: string, target: string): boolean {
    return this.#changes.get(`${upstream}/${target}`)?.isDraining ?? false
  }

  change(change: DrainChange): void {
    this.#changes.set(`${change.upstream}/${change.target}`, change)
    for (const listener of this.#listeners) listener(change)
  }

  /** For whoever has heard nothing yet. */
  all(): DrainChange[] {
    return [...this.#changes.values()]
  }

  /** Returns what ends the listening. */
  listen(listener: (change: DrainChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
