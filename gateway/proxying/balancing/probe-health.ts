export interface ProbeThresholds {
  readonly healthyAfter: number
  readonly unhealthyAfter: number
}

/** What so many probes in a row say. Everyone is healthy until they say otherwise. */
export class ProbeHealth {
  isHealthy = true
  readonly #thresholds: ProbeThresholds
  /** Probes in a row that say the contrary. */
  #contrary = 0

  constructor(thresholds: ProbeThresholds) {
    this.#thresholds = thresholds
  }

  /** True: what it says has changed. */
  heard(isGood: boolean): boolean {
    if (isGood === this.isHealthy) {
      this.#contrary = 0
      return false
    }
    this.#contrary++
    const { healthyAfter, unhealthyAfter } = this.#thresholds
    if (this.#contrary < (isGood ? healthyAfter : unhealthyAfter)) return false
    this.isHealthy = isGood
    this.#contrary = 0
    return true
  }
}
