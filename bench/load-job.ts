import { readFileSync } from 'node:fs'
import { processorTimeUs } from './processor-time.ts'

export interface LoadJob {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Null: as many as are answered. */
  readonly callsPerSecond: number | null
  /** Calls are POSTs with so large a body; null: GETs. */
  readonly bodyBytes: number | null
  /** JSON file with the users' tokens, and of how many the calls are; null: anonymous calls. */
  readonly callers: { readonly tokensFile: string; readonly count: number } | null
  /** Processes whose time is read before and after the load, by name. */
  readonly watched: Readonly<Record<string, number>>
}

export interface LoadResult {
  readonly seconds: number
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<string, number>>
  /** Connections that broke and calls without an answer. */
  readonly errors: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly processorTimeUs: Readonly<Record<string, number>>
}

/** What one load found, from its start to its end. */
export type Fired = Omit<LoadResult, 'processorTimeUs'>

/**
 * Runs the job that the command line names, a warm-up first, and prints its result as one JSON line.
 *
 * @param fire loads for so many seconds
 */
export async function runJob(fire: (job: LoadJob, seconds: number) => Promise<Fired>): Promise<void> {
  const job = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as LoadJob
  await fire(job, job.warmUpSeconds)
  const before = timesOf(job.watched)
  const fired = await fire(job, job.seconds)
  const after = timesOf(job.watched)
  const used = Object.keys(before).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)])
  console.log(JSON.stringify({ event: 'fired', ...fired, processorTimeUs: Object.fromEntries(used) }))
}

const timesOf = (watched: LoadJob['watched']): Record<string, number> =>
  Object.fromEntries(Object.entries(watched).map(([name, pid]) => [name, processorTimeUs(pid)]))

/** p50 and p99 by the nearest rank; NaN of nothing. */
export function percentilesOf(durationsMs: readonly number[]): Pick<LoadResult, 'p50Ms' | 'p99Ms'> {
  const sorted = Float64Array.from(durationsMs).sort()
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}
