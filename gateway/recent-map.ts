/**
 * A map of bounded size that forgets what was not used for long: two plain maps that take turns. A list in the order
 * of use would forget more exactly, and touch four times as much memory at each look.
 */
export class RecentMap<Key, Value> {
  readonly #half: number
  #recent = new Map<Key, Value>()
  #earlier = new Map<Key, Value>()

  /** @param max entries kept at most; of those used last, half of that at least */
  constructor(max: number) {
    this.#half = Math.ceil(max / 2)
  }

  get size(): number {
    return this.#recent.size + this.#earlier.size
  }

  get(key: Key): Value | undefined {
    const recent = this.#recent.get(key)
    if (recent !== undefined) return recent
    const earlier = this.#earlier.get(key)
    if (earlier !== undefined) {
      this.#earlier.delete(key)
      this.set(key, earlier)
    }
    return earlier
  }

  set(key: Key, value: Value): void {
    if (this.#recent.size >= this.#half && !this.#recent.has(key)) {
      this.#earlier = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(key, value)
  }

  delete(key: Key): void {
    this.#recent.delete(key)
    this.#earlier.delete(key)
  }

  clear(): void {
    this.#recent.clear()
    this.#earlier.clear()
  }
}
