// The load, a process of its own: `node bench/load.ts JOB.json` runs autocannon and prints its result as one JSON line.
import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'
import { type Fired, type LoadJob, percentilesOf, runJob } from './load-job.ts'

async function fire(job: LoadJob, seconds: number): Promise<Fired> {
  const tokens = job.callers === null ? [] : tokensOf(job.callers)
  let connection = 0
  const durationsMs: number[] = []
  const statuses: Record<string, number> = {}
  const startedAtMs = performance.now()
  const options: autocannon.Options = {
    url: job.url,
    connections: job.connections,
    duration: seconds,
    ...(job.bodyBytes !== null && { method: 'POST', body: 'x'.repeat(job.bodyBytes) }),
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
  return {
    seconds: firedForMs / 1000,
    statuses,
    errors,
    ...percentilesOf(durationsMs),
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

await runJob(fire)
