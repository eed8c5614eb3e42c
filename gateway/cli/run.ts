import { parseArgs } from 'node:util'
import type { Logger } from 'pino'
import { openGateway } from '../compose.ts'
import type { GatewayConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import { createLog } from '../log.ts'
import { printBanner } from './banner.ts'
import { onHangup } from './on-hangup.ts'
import { reloadConfig } from './reload.ts'
import { runWorkers } from './run-workers.ts'
import { untilStopped } from './signals.ts'
import { surviveStrayErrors } from './survive-stray-errors.ts'

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
    await (config.workers === 1 ? runAlone(start) : runWorkers(start))
    return 0
  } catch (error) {
    process.stderr.write(`guichet: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

async function runAlone({ file, config, log, stopped }: Start): Promise<void> {
  await using gateway = await openGateway(config, log)
  surviveStrayErrors(log)
  onHangup(() =>
    reloadConfig({
      ...{ file, log },
      async take(next) {
        await gateway.reload(next)
        gateway.configReloaded(true)
        log.level = next.log.level
      },
      refused: () => gateway.configReloaded(false),
    }),
  )
  printBanner({
    gateway: gateway.url,
    admin: gateway.adminUrl,
    ...(gateway.checkUrl === null ? {} : { check: gateway.checkUrl }),
    ...(config.admin.token === null ? { adminToken: gateway.adminToken } : {}),
  })
  await stopped
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
