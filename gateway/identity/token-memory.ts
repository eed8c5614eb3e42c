/** What is known of tokens seen before; those not seen for long are forgotten first. */
export interface TokenMemory<Known> {
  get(raw: string): Known | undefined
  set(raw: string, known: Known): void
  delete(raw: string): void
  clear(): void
}

interface Entry<Known> {
  readonly raw: string
  readonly known: Known
}

/**
 * Found by the end of the token, which is its signature, and compared as a whole: to hash all of a text that
 * has just come from a socket costs more than the comparison.
 *
 * @param max tokens kept at most; of those seen since, half of that at least
 */
export function createTokenMemory<Known extends object>(max: number): TokenMemory<Known> {
  // Two maps that take turns, rather than a list in the order of use: a look into that touches too much memory.
  let recent = new Map<string, Entry<Known>>()
  let earlier = new Map<string, Entry<Known>>()

  function keep(signature: string, entry: Entry<Known>): void {
    if (recent.size >= max / 2) {
      earlier = recent
      recent = new Map()
    }
    recent.set(signature, entry)
  }

  return {
    get(raw) {
      const signature = endOf(raw)
      let entry = recent.get(signature)
      if (entry === undefined) {
        entry = earlier.get(signature)
        if (entry !== undefined) keep(signature, entry)
      }
      return entry?.raw === raw ? entry.known : undefined
    },
    set: (raw, known) => keep(endOf(raw), { raw, known }),
    delete(raw) {
      recent.delete(endOf(raw))
      earlier.delete(endOf(raw))
    },
    clear() {
      recent.clear()
      earlier.clear()
    },
  }
}

/** 192 bits of what no two tokens share. */
const endOf = (raw: string): string => raw.slice(-32)
