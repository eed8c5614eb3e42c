/** What balancing knows of a target. */
export interface Candidate {
  /** Tells it from the others, whatever their order. */
  readonly name: string
  /** As the file says. */
  readonly weight: number
  /** The same, less while it warms up. */
  weightAt(nowMs: number): number
  readonly inFlight: number
  /** Milliseconds; 0: nothing is known. */
  latencyAt(nowMs: number): number
}

/** One way to spread calls. */
export interface Balance<T extends Candidate> {
  /**
   * One of the candidates. Whoever wants another one, to try again elsewhere, asks without those that it has had.
   *
   * @param candidates at least one, each of which may be called
   * @param key what `consistent` keeps together; others do not look at it
   */
  choose(candidates: readonly T[], nowMs: number, key: string): T
}

export type BalanceKind = 'round-robin' | 'least-busy' | 'consistent'
