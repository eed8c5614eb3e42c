import { RecentMap } from '../recent-map.ts'

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
 * Found by a number made of the token's end, which is its signature, and compared as a whole. A map that is asked
 * for a text which has just come from a socket hashes all of it and makes it one with its equals first.
 */
export function createTokenMemory<Known extends object>(max: number): TokenMemory<Known> {
  const entries = new RecentMap<number, Entry<Known>>(max)
  return {
    get(raw) {
      const entry = entries.get(placeOf(raw))
      return entry?.raw === raw ? entry.known : undefined
    },
    set: (raw, known) => entries.set(placeOf(raw), { raw, known }),
    delete: (raw) => entries.delete(placeOf(raw)),
    clear: () => entries.clear(),
  }
}

/** 32 bits of what no two tokens share; of two that meet here all the same, one is forgotten. */
function placeOf(raw: string): number {
  let place = 0
  for (let i = Math.max(0, raw.length - 8); i < raw.length; i++) {
    place = (Math.imul(place, 31) + raw.charCodeAt(i)) | 0
  }
  return place
}
