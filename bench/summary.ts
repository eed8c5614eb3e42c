import type { Figures } from './measure.ts'

/** Medians over the rounds of one case, and how they compare with the bare proxy's. */
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
  /** Against the yardstick's medians; null when it did not run. */
  readonly ratio: { readonly requestsPerSecond: number; readonly cpu: number | null } | null
}

/** @param rounds the figures of each case, at least one each, by its name and in the table's order */
export function summarise(rounds: ReadonlyMap<string, readonly Figures[]>, yardstick: string): Row[] {
  const rows = [...rounds].map(([name, figures]) => ({ name, ...mediansOf(figures) }))
  const bare = rows.find(({ name }) => name === yardstick)
  return rows.map((row) => ({
    ...row,
    ratio: bare
      ? {
          requestsPerSecond: row.requestsPerSecond / bare.requestsPerSecond,
          cpu: row.gateway && bare.gateway ? row.gateway.cpuUs / bare.gateway.cpuUs : null,
        }
      : null,
  }))
}

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
