import { Registry } from 'prom-client'
import { workerRestartsCounter } from './instruments.ts'
import type { Report } from './reports.ts'

/** What the primary adds to the figures of its workers. */
export function createPrimaryMetrics() {
  const registry = new Registry()
  const restarts = workerRestartsCounter(registry)
  return {
    workerRestarted: (): void => restarts.inc(),
    report: (): Promise<Report> => registry.getMetricsAsJSON(),
  }
}
