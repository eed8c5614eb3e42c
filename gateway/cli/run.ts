import { parseArgs } from 'node:util'
import { openGateway } from '../compose.ts'
import type { GatewayConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import { printBanner } from './banner.ts'
import { untilStopped } from './signals.ts'

/** `guichet run --config FILE`: the gateway alone, until SIGTERM or SIGINT. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { config: { type: 'string', default: 'config/gateway.yaml' } },
  })
  const config = await configFrom(values.config)
  if (config === null) return 78
  const stopped = untilStopped()
  try {
    await using gateway = await openGateway(config)
    printBanner({
      gateway: gateway.url,
      admin: gateway.adminUrl,
      ...(config.admin.token === null ? { adminToken: gateway.adminToken } : {}),
    })
    await stopped
    return 0
  } catch (error) {
    process.stderr.write(`guichet: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

/** Null after every problem of the file was printed. */
export async function configFrom(file: string): Promise<GatewayConfig | null> {
  const loaded = await loadConfig(file, process.env)
  if (loaded.kind === 'loaded') return loaded.config
  for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`)
  return null
}
