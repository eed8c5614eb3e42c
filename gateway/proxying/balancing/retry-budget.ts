/** What "recent" means: this bucket and the one before, so 5 to 10 seconds. */
const bucketMs = 5_000

/**
 * Retries that even a quiet upstream may have in that time, ten a second: its load is small then, and all that
 * runs at a target when it dies may be many times what has come lately.
 */
const atLeast = 50

/**
 * Bounds retries to a share of the recent calls, so that an upstream that fails altogether is not also
 * asked twice as often.
 */
export class RetryBudget {
  readonly #share: number
  #bucket = 0
  #calls: [before: number, now: number] = [0, 0]
  #retries: [before: number, now: number] = [0, 0]

  /** @param share of the calls, 0.1 for 10 %; 0: no retry at all */
  constructor(share: number) {
    this.#share = share
  }

  called(nowMs: number): void {
    this.#turn(nowMs)
    this.#calls[1]++
  }

  /** Whether there is room for one more retry, which is taken then. */
  take(nowMs: number): boolean {
    if (this.#share === 0) return false
    this.#turn(nowMs)
    const allowed = Math.max(atLeast, this.#share * sum(this.#calls))
    if (sum(this.#retries) + 1 > allowed) return false
    this.#retries[1]++
    return true
  }

  #turn(nowMs: number): void {
    const bucket = Math.floor(nowMs / bucketMs)
    if (bucket === this.#bucket) return
    const isNext = bucket === this.#bucket + 1
    this.#calls = [isNext ? this.#calls[1] : 0, 0]
    this.#retries = [isNext ? this.#retries[1] : 0, 0]
    this.#bucket = bucket
  }
}

const sum = ([before, now]: [number, number]): number => before + now
