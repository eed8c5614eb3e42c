import type { Figures } from './measure.ts'

/** Medians over the rounds of one case, and how it compares with the bare proxy. */
export interface Row {
  readonly name: string
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Null for a load that does not pass the gateway. */
  readonly gateway: {
    readonly cpuUs: number
    readonly leastCpuUs: number
    readonly mostCpuUs: number
    readonly redisCpuUs: number
  } | null
  /** Against the yardstick in the same round, median of the rounds; null when it did not run. */
  readonly ratio: { readonly requestsPerSecond: number; readonly cpu: number | null } | null
}

/** The figures of each case, round by round, by its name and in the table's order. */
export type Rounds = ReadonlyMap<string, readonly Figures[]>

export function summarise(rounds: Rounds, yardstick: string): Row[] {
  return [...rounds].map(([name, figures]) => {
    const pair = { of: name, to: yardstick }
    const requestsPerSecond = compare(rounds, pair, ratio('requestsPerSecond'))
    const cpu = compare(rounds, pair, ratio('gatewayCpuUs'))
    return {
      name,
      ...mediansOf(figures),
      ratio: requestsPerSecond && { requestsPerSecond: requestsPerSecond.median, cpu: cpu?.median ?? null },
    }
  })
}

/** What a comparison gave in the rounds. */
export interface Comparison {
  readonly median: number
  readonly least: number
  readonly most: number
}

/**
 * Compares two cases round by round: what slows the machine for a while slows both of a round. Null when one of them
 * did not run, or when nothing was measured to compare.
 */
export function compare(
  rounds: Rounds,
  { of, to }: { readonly of: string; readonly to: string },
  act: (one: Figures, other: Figures) => number,
): Comparison | null {
  const others = rounds.get(to) ?? []
  const values = (rounds.get(of) ?? [])
    .flatMap((one, round) => others.slice(round, round + 1).map((other) => act(one, other)))
    .filter(Number.isFinite)
  return comparisonOf(values)
}

function comparisonOf(values: readonly number[]): Comparison | null {
  if (values.length === 0) return null
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) }
}

/** Compares processor time with that of whoever used least of it in the same round. */
export function compareWithBest(rounds: Rounds, of: string, others: readonly string[]): Comparison | null {
  const best = (round: number): number =>
    Math.min(...others.map((name) => rounds.get(name)?.[round]?.gatewayCpuUs ?? Number.POSITIVE_INFINITY))
  const ratios = (rounds.get(of) ?? []).map((one, round) => (one.gatewayCpuUs ?? Number.NaN) / best(round))
  return comparisonOf(ratios.filter((value) => Number.isFinite(value) && value > 0))
}

type Measured = 'requestsPerSecond' | 'p99Ms' | 'gatewayCpuUs' | 'redisCpuUs'

export const ratio =
  (figure: Measured) =>
  (one: Figures, other: Figures): number =>
    (one[figure] ?? Number.NaN) / (other[figure] ?? Number.NaN)

export const difference =
  (figure: Measured) =>
  (one: Figures, other: Figures): number =>
    (one[figure] ?? Number.NaN) - (other[figure] ?? Number.NaN)

function mediansOf(figures: readonly Figures[]): Omit<Row, 'name' | 'ratio'> {
  const cpuUs = figures.flatMap(({ gatewayCpuUs }) => gatewayCpuUs ?? [])
  return {
    requestsPerSecond: median(figures.map(({ requestsPerSecond }) => requestsPerSecond)),
    p50Ms: median(figures.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(figures.map(({ p99Ms }) => p99Ms)),
    gateway:
      cpuUs.length === 0
        ? null
        : {
            cpuUs: median(cpuUs),
            leastCpuUs: Math.min(...cpuUs),
            mostCpuUs: Math.max(...cpuUs),
            redisCpuUs: median(figures.flatMap(({ redisCpuUs }) => redisCpuUs ?? [])),
          },
  }
}

/** The middle value; of an even number the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (index: number): number => sorted[index] ?? Number.NaN
  return (at(Math.floor((sorted.length - 1) / 2)) + at(Math.floor(sorted.length / 2))) / 2
}
