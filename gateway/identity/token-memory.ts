import { LRUCache } from 'lru-cache'

/** What is known of tokens seen before; the one used least lately is forgotten first. */
export interface TokenMemory<Known> {
  get(raw: string): Known | undefined
  set(raw: string, known: Known): void
  delete(raw: string): void
  clear(): void
}

/**
 * Found by the end of the token, which is its signature, and compared as a whole: to hash all of a text that
 * has just come from a socket costs more than the comparison.
 */
export function createTokenMemory<Known extends object>(max: number): TokenMemory<Known> {
  const bySignature = new LRUCache<string, { readonly raw: string; readonly known: Known }>({ max })
  return {
    get(raw) {
      const entry = bySignature.get(endOf(raw))
      return entry?.raw === raw ? entry.known : undefined
    },
    set: (raw, known) => void bySignature.set(endOf(raw), { raw, known }),
    delete: (raw) => void bySignature.delete(endOf(raw)),
    clear: () => bySignature.clear(),
  }
}

/** 192 bits of what no two tokens share. */
const endOf = (raw: string): string => raw.slice(-32)
