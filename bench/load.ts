// The load, a process of its own: `node bench/load.ts JOB.json` runs autocannon and prints its result as one JSON line.
import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'
import { processorTimeUs } from './processor-time.ts'

export interface LoadJob {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Null: as many as are answered. */
  readonly callsPerSecond: number | null
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

async function runLoad(job: LoadJob): Promise<LoadResult> {
  await fire(job, job.warmUpSeconds)
  const before = timesOf(job.watched)
  const fired = await fire(job, job.seconds)
  const after = timesOf(job.watched)
  const used = Object.keys(before).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)])
  return { ...fired, processorTimeUs: Object.fromEntries(used) }
}

async function fire(job: LoadJob, seconds: number): Promise<Omit<LoadResult, 'processorTimeUs'>> {
  const tokens = job.callers === null ? [] : tokensOf(job.callers)
  let connection = 0
  const durationsMs: number[] = []
  const statuses: Record<string, number> = {}
  const startedAtMs = performance.now()
  const options: autocannon.Options = {
    url: job.url,
    connections: job.connections,
    duration: seconds,
    ...(job.callsPerSecond !== null && { overallRate: job.callsPerSecond }),
    sampleInt: 50, // autocannon ends at a sample only
    setupClient(client) {
      const own = everyNth(tokens, job.connections, connection++)
      if (own.length === 0) return
      client.setRequests(own.map((token) => ({ headers: { authorization: `Bearer ${token}` } })))
    },
  }
  const { errors } = await new Promise<autocannon.Result>((resolve, reject) => {
    const running = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)))
    // Its own percentiles are whole milliseconds.
    running.on('response', (_client, status, _bytes, durationMs) => {
      durationsMs.push(durationMs)
      statuses[status] = (statuses[status] ?? 0) + 1
    })
  })
  const firedForMs = performance.now() - startedAtMs
  const sorted = Float64Array.from(durationsMs).sort()
  return {
    seconds: firedForMs / 1000,
    statuses,
    errors,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  }
}

function tokensOf({ tokensFile, count }: NonNullable<LoadJob['callers']>): string[] {
  return (JSON.parse(readFileSync(tokensFile, 'utf8')) as string[]).slice(0, count)
}

/** The users of one connection: together the connections serve each user equally; with few users some share one. */
function everyNth(tokens: readonly string[], connections: number, connection: number): string[] {
  const own = tokens.filter((_token, index) => index % connections === connection)
  return own.length > 0 ? own : tokens.slice(connection % tokens.length, (connection % tokens.length) + 1)
}

/** Nearest rank; NaN of nothing. */
const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN

const timesOf = (watched: LoadJob['watched']): Record<string, number> =>
  Object.fromEntries(Object.entries(watched).map(([name, pid]) => [name, processorTimeUs(pid)]))

const job = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as LoadJob
console.log(JSON.stringify({ event: 'fired', ...(await runLoad(job)) }))
