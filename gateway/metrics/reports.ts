import { AggregatorRegistry, type Registry } from 'prom-client'

type Instrument = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number]

/** All figures of one process, fit to be sent to another. */
export type Report = readonly Instrument[]

/**
 * The figures of several processes as those of one: counters and histograms summed, gauges as each says of itself.
 *
 * @param reports what is the same everywhere ("first") is taken of the first alone, since two readings of a list,
 *   moments apart, would make a longer one
 */
function merged(reports: readonly Report[]): Registry {
  const [first = [], ...others] = reports
  const parts = others.map((report) => report.filter(({ aggregator }) => aggregator !== 'first'))
  return AggregatorRegistry.aggregate([[...first], ...parts])
}

/** In Prometheus's text format. */
export const reportsAsText = (reports: readonly Report[]): Promise<string> => merged(reports).metrics()

/** What must not be lost when a process ends, or Prometheus would take the smaller sum for a restart. */
export async function countsOf(reports: readonly Report[]): Promise<Report> {
  const all = await merged(reports).getMetricsAsJSON()
  return all.filter(({ type }) => (type as unknown as string) !== 'gauge')
}
