import type { Balance, Candidate } from './balance.ts'

/**
 * The power of two choices: of two drawn by weight the one that will answer sooner, by its latency and the
 * calls it has to do for its weight. Always taking the very best would send everyone to the same one at once.
 *
 * @param random from 0 to less than 1
 */
export function leastBusy<T extends Candidate>(random: () => number = Math.random): Balance<T> {
  return {
    choose(candidates, nowMs) {
      const one = draw(candidates, nowMs, random())
      const other = draw(candidates, nowMs, random())
      return one === other || loadOf(one, nowMs) <= loadOf(other, nowMs) ? one : other
    },
  }
}

function draw<T extends Candidate>(candidates: readonly T[], nowMs: number, random: number): T {
  let total = 0
  for (const candidate of candidates) total += candidate.weightAt(nowMs)
  let left = random * total
  for (const candidate of candidates) {
    left -= candidate.weightAt(nowMs)
    if (left < 0) return candidate
  }
  return candidates.at(-1) as T
}

/** A target that nobody has called yet counts as fast: it would never be tried otherwise. */
const leastLatencyMs = 0.1

const loadOf = (candidate: Candidate, nowMs: number): number =>
  Math.max(leastLatencyMs, candidate.latencyAt(nowMs)) * (1 + candidate.inFlight / candidate.weightAt(nowMs))
