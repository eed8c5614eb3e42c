import type { BanRule } from './policy.ts'

/** What changes a subject's window for a while: a boost by an operator, a ban earned by hammering. Microseconds. */
export interface Adjustment {
  quota: number
  quotaUntil: number
  bannedUntil: number
  denials: number
  denialsSince: number
  bans: number
}

export const noAdjustment = (): Adjustment => ({
  quota: 0,
  quotaUntil: 0,
  bannedUntil: 0,
  denials: 0,
  denialsSince: 0,
  bans: 0,
})

/** One denial more; returns how long the ban is that it brings, 0 when it brings none. */
export function countDenial(adjustment: Adjustment, rule: BanRule, now: number, window: number): number {
  if (adjustment.denials === 0 || adjustment.denialsSince <= now - window) {
    adjustment.denials = 0
    adjustment.denialsSince = now
  }
  adjustment.denials++
  if (adjustment.denials < rule.afterDenials) return 0
  const banFor = 1_000 * Math.min(rule.atMostMs, rule.forMs * 2 ** Math.min(adjustment.bans, 40))
  adjustment.bannedUntil = now + banFor
  adjustment.bans++
  adjustment.denials = 0
  return banFor
}
