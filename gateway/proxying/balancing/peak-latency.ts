/** How fast what was seen is forgotten, to 1/e. */
const memoryMs = 10_000

/**
 * An average of latencies that believes bad news at once and forgets it slowly (peak EWMA, as in
 * Finagle): a target that stalls is shunned from its first slow answer on.
 */
export class PeakLatency {
  #latencyMs = 0
  #seenAtMs = 0

  observe(latencyMs: number, nowMs: number): void {
    const before = this.#latencyMs
    if (latencyMs >= before) this.#latencyMs = latencyMs
    else {
      const kept = Math.exp((this.#seenAtMs - nowMs) / memoryMs)
      this.#latencyMs = before * kept + latencyMs * (1 - kept)
    }
    this.#seenAtMs = nowMs
  }

  /** It falls while nothing is seen, so that whoever is shunned gets another chance. 0: nothing is known. */
  at(nowMs: number): number {
    return this.#latencyMs * Math.exp((this.#seenAtMs - nowMs) / memoryMs)
  }
}
