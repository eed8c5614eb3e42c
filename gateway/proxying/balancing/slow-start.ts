/** A target that has just come back begins with this share of its weight. */
const leastShare = 0.1

/**
 * The weight of a target at a time: all of it, or a part that grows evenly while it warms up.
 *
 * @param recoveredAtMs when it came back; null: it never was away
 */
export function rampedWeight(
  weight: number,
  recoveredAtMs: number | null,
  slowStartMs: number,
  nowMs: number,
): number {
  if (recoveredAtMs === null) return weight
  const elapsedMs = nowMs - recoveredAtMs
  return elapsedMs >= slowStartMs ? weight : weight * Math.max(leastShare, elapsedMs / slowStartMs)
}
