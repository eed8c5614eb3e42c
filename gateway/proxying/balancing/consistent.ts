import type { Balance, Candidate } from './balance.ts'

/**
 * Weighted rendezvous hashing: every candidate draws a lot from the key and its own name, the best one has
 * it. One that is away hands its own keys to the others and gets the same ones back; no other key moves.
 * Warming up is left aside, since it would move keys.
 */
export function consistent<T extends Candidate>(): Balance<T> {
  return {
    choose(candidates, _nowMs, key) {
      let chosen = candidates[0] as T
      let best = Number.NEGATIVE_INFINITY
      for (const candidate of candidates) {
        const score = -candidate.weight / Math.log(drawOf(candidate.name, key))
        if (score > best) {
          best = score
          chosen = candidate
        }
      }
      return chosen
    },
  }
}

/** A number between 0 and 1, both excluded, the same for the same texts in every process. */
const drawOf = (name: string, key: string): number => (mixed(hashed(key, hashed(name))) + 0.5) / 2 ** 32

/** FNV-1a. */
function hashed(text: string, start = 0x811c9dc5): number {
  let hash = start
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

/** FNV leaves the upper bits of short texts alike; this spreads them (the end of MurmurHash3). */
function mixed(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
