import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../gateway/test/servers/child-process.ts'
import { type BenchCase, callersOf, pathOf, slugOf } from './cases.ts'
import { expectedTier, readDenials } from './denials.ts'
import { startFlood } from './flood.ts'
import type { LoadJob, LoadResult } from './load-job.ts'
import type { BenchOptions } from './options.ts'
import type { Peer } from './peers.ts'
import type { Stage } from './stage.ts'
import { spendQuotas } from './users.ts'
import { fillWindows } from './windows.ts'

/** One case in one round. */
export interface Figures {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Processor time per answered call; null when the call does not pass there. */
  readonly gatewayCpuUs: number | null
  readonly redisCpuUs: number | null
}

const loadProgram = fileURLToPath(new URL('./load.ts', import.meta.url))
const messageProgram = fileURLToPath(new URL('./message-load.ts', import.meta.url))

/**
 * @param round 0 for the first, which prepares what lasts
 * @throws Error when an answer had another status than the case's, or none came, or when others than the case
 * says gave the denials: that is no figure
 */
export async function measure(
  benchCase: BenchCase,
  round: number,
  stage: Stage,
  options: BenchOptions,
): Promise<Figures> {
  const proxy = proxyOf(benchCase, stage)
  const { tokens, tokensFile } = proxy ?? stage
  const url = `${proxy?.url ?? stage.stubUrl}${pathOf(benchCase)}`
  if (benchCase.callsBefore !== undefined && round === 0)
    await spendQuotas(url, tokens, benchCase.callsBefore)
  await using _filled = benchCase.filledTo === undefined ? null : await fillWindows(benchCase, stage)
  await using _flood =
    benchCase.loginsPerSecond === undefined ? null : await startFlood(benchCase.loginsPerSecond, stage)
  const denials = () => (benchCase.deniedBy === undefined ? {} : readDenials(benchCase, stage.adminUrl))
  const denialsBefore = await denials()
  const program = benchCase.isWebSocket ? messageProgram : loadProgram
  const result = await load(program, join(stage.folder, `${slugOf(benchCase.name)}-${round}.json`), {
    url,
    connections: Math.min(options.connections, benchCase.mostConnections ?? options.connections),
    seconds: options.seconds,
    warmUpSeconds: options.warmUpSeconds,
    callsPerSecond: benchCase.callsPerSecond ?? null,
    bodyBytes: benchCase.bodyBytes ?? null,
    callers: benchCase.asUsers ? { tokensFile, count: callersOf(benchCase, tokens.length) } : null,
    watched: { redis: stage.pids.redis, ...(proxy && { proxy: proxy.pid }) },
  })
  const answers = expectedAnswers(benchCase, result)
  expectedTier(benchCase, denialsBefore, await denials())
  const perAnswer = (process: 'proxy' | 'redis'): number | null =>
    proxy === null ? null : (result.processorTimeUs[process] ?? Number.NaN) / answers
  return {
    requestsPerSecond: answers / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    gatewayCpuUs: perAnswer('proxy'),
    redisCpuUs: perAnswer('redis'),
  }
}

/** How many answers came, all of them with the case's status. */
export function expectedAnswers(
  { name, status }: Pick<BenchCase, 'name' | 'status'>,
  { statuses, errors }: Pick<LoadResult, 'statuses' | 'errors'>,
): number {
  const { [status]: answers = 0, ...others } = statuses
  if (answers > 0 && errors === 0 && Object.keys(others).length === 0) return answers
  throw new Error(
    `${name}: expected ${status} and nothing else, got ${JSON.stringify(statuses)} and ${errors} calls without an answer`,
  )
}

/** Null when the load goes straight to the stub. */
function proxyOf({ peer, route }: BenchCase, stage: Stage): Peer | null {
  if (peer !== undefined) return stage.peers.get(peer) as Peer
  if (route === null) return null
  const { gatewayUrl: url, tokens, tokensFile, pids } = stage
  return { url, tokens, tokensFile, pid: pids.gateway }
}

async function load(program: string, jobFile: string, job: LoadJob): Promise<LoadResult> {
  await writeFile(jobFile, JSON.stringify(job))
  await using child = await startProcess(program, [jobFile])
  const exit = await child.ended
  if (exit.kind !== 'exit' || exit.code !== 0)
    throw new Error(`the load ended with ${JSON.stringify(exit)}:\n${child.stderr}`)
  return JSON.parse(child.stdout) as LoadResult
}
