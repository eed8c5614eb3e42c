import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Instruments } from './instruments.ts'

const resolutionMs = 10

/**
 * The process's own numbers, read at every scrape. Chosen by hand: three of prom-client's default
 * gauges are named `_total`, which `promtool check metrics` refuses. Returns how to stop measuring.
 */
export function readProcessOnScrape(instruments: Instruments): () => void {
  const { cpuSeconds, residentBytes, startTime, heapBytes, eventLoopLag } = instruments
  const loopDelay = monitorEventLoopDelay({ resolution: resolutionMs })
  loopDelay.enable()
  startTime.set(Math.round(Date.now() / 1000 - process.uptime()))

  onScrape(cpuSeconds, () => {
    const { user, system } = process.cpuUsage()
    cpuSeconds.reset()
    cpuSeconds.inc((user + system) / 1e6)
  })
  onScrape(residentBytes, () => residentBytes.set(process.memoryUsage.rss()))
  onScrape(heapBytes, () => heapBytes.set(process.memoryUsage().heapUsed))
  onScrape(eventLoopLag, () => {
    // A sample is the time between two ticks of a timer, so an idle loop shows the resolution itself.
    const lateMs = loopDelay.percentile(99) / 1e6 - resolutionMs
    eventLoopLag.set(Math.max(0, lateMs) / 1000)
    loopDelay.reset()
  })
  return () => loopDelay.disable()
}

/** prom-client calls `collect` before it reads an instrument; its types allow it in the constructor only. */
export function onScrape(instrument: object, collect: () => void | Promise<void>): void {
  Object.assign(instrument, { collect })
}
