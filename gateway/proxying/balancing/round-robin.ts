import type { Balance, Candidate } from './balance.ts'

/**
 * Smooth weighted round-robin, nginx's: everyone earns its weight each time, the richest is chosen and pays
 * for all. Weights 5:1:1 give a a b a c a a, not five in a row.
 */
export function roundRobin<T extends Candidate>(): Balance<T> {
  const credits = new Map<T, number>()
  return {
    choose(candidates, nowMs) {
      let chosen = candidates[0] as T
      let most = Number.NEGATIVE_INFINITY
      let total = 0
      for (const candidate of candidates) {
        const weight = candidate.weightAt(nowMs)
        const credit = (credits.get(candidate) ?? 0) + weight
        credits.set(candidate, credit)
        total += weight
        if (credit > most) {
          most = credit
          chosen = candidate
        }
      }
      credits.set(chosen, most - total)
      return chosen
    },
  }
}
