export interface SampleOptions {
  /** A scrape waits no longer than this for one reading. */
  readonly deadlineMs?: number
  /** A reading is good for this long, so that several scrapers cost the stores one. */
  readonly freshForMs?: number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

/**
 * Makes a reading of a store safe to scrape: it resolves with null when the store fails or is late,
 * never rejects, and has at most one reading under way. A late one still serves the next scrape.
 */
export function sampled<T>(read: () => Promise<T>, options: SampleOptions = {}): () => Promise<T | null> {
  const { deadlineMs = 500, freshForMs = 5_000, now = () => performance.now() } = options
  let last: { readonly value: T; readonly atMs: number } | null = null
  let reading: Promise<T | null> | null = null

  async function readNow(): Promise<T | null> {
    try {
      const value = await read()
      last = { value, atMs: now() }
      return value
    } catch {
      return null
    } finally {
      reading = null
    }
  }

  return async function sample() {
    if (last !== null && now() - last.atMs < freshForMs) return last.value
    reading ??= readNow()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, deadlineMs, null)
    })
    return Promise.race([reading, late]).finally(() => clearTimeout(timer))
  }
}
