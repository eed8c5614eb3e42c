/**
 * A moment that moves with every request, for the price of a number: the timer behind it is left as it is when the
 * moment moves on, and begins anew when it comes too early.
 */
export class Deadline {
  readonly #passed: () => void
  #dueMs = 0
  #timer: NodeJS.Timeout | null = null
  #timerDueMs = 0

  constructor(passed: () => void) {
    this.#passed = passed
  }

  set(inMs: number): void {
    const nowMs = performance.now()
    this.#dueMs = nowMs + inMs
    if (this.#timer === null || this.#dueMs < this.#timerDueMs) this.#wait(nowMs)
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #wait(nowMs: number): void {
    this.clear()
    this.#timerDueMs = this.#dueMs
    this.#timer = setTimeout(() => this.#look(), Math.ceil(this.#dueMs - nowMs))
  }

  #look(): void {
    this.#timer = null
    const nowMs = performance.now()
    // A timer may come a fraction early.
    if (nowMs + 1 < this.#dueMs) this.#wait(nowMs)
    else this.#passed()
  }
}
