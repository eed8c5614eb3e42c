const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** How a duration is written: a whole number and its unit, `100ms`, `2s`, `10m`, `12h`, `1d`. */
export const durationPattern = '^[0-9]{1,12}(ms|s|m|h|d)$'

/** `10m` → 600000; undefined for anything that is not a whole number followed by ms, s, m, h or d. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text)
  if (!match) return undefined
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
}
