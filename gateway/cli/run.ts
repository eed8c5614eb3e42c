import { parseArgs } from 'node:util'
import type { Logger } from 'pino'
import type { GatewayConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import { createLog } from '../log.ts'
import { untilStopped } from './signals.ts'

const usage = 'usage: guichet run [--config FILE] (config/gateway.yaml by default)\n'

export interface Start {
  readonly file: string
  readonly config: GatewayConfig
  readonly log: Logger
  readonly stopped: Promise<void>
}

/**
 * `guichet run --config FILE`: the gateway alone, until SIGTERM or SIGINT; SIGHUP reads the configuration again.
 * Exit codes: 0 stopped, 1 not started or not to be kept alive, 64 called wrongly, 78 bad configuration.
 */
export async function run(args: string[]): Promise<number> {
  const file = configFileOf(args)
  if (file === null) return 64
  const config = await configFrom(file)
  if (config === null) return 78
  const start = { file, config, log: createLog(config.log.level), stopped: untilStopped() }
  try {
    // A primary needs little of what a gateway is made of.
    if (config.workers === 1) await (await import('./run-alone.ts')).runAlone(start)
    else await (await import('./run-workers.ts')).runWorkers(start)
    return 0
  } catch (error) {
    process.stderr.write(`guichet: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

/** Null after the problem and the usage were printed. */
function configFileOf(args: string[]): string | null {
  try {
    const options = { config: { type: 'string', default: 'config/gateway.yaml' } } as const
    return parseArgs({ args, options }).values.config
  } catch (error) {
    process.stderr.write(`guichet run: ${(error as Error).message}\n${usage}`)
    return null
  }
}

/** Null after every problem of the file was printed. */
export async function configFrom(file: string): Promise<GatewayConfig | null> {
  const loaded = await loadConfig(file, process.env)
  if (loaded.kind === 'loaded') return loaded.config
  for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`)
  return null
}
