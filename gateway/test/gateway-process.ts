import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type StartedProcess, startProcess } from './servers/child-process.ts'
import { type TestGatewayOptions, testConfig } from './test-gateway.ts'

export interface GatewayProcessOptions extends Omit<TestGatewayOptions, 'onLog'> {
  /** Share it between gateways to share the signing key, and accounts in SQLite. */
  readonly directory: string
  /** Needed when several processes share a directory. */
  readonly name?: string
  readonly env?: Record<string, string>
}

export interface GatewayProcess extends AsyncDisposable {
  readonly url: string
  readonly adminUrl: string
  readonly directory: string
  readonly process: StartedProcess
  /** The log so far, one object a line. */
  log(): Record<string, unknown>[]
}

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

/** The gateway as users run it: a process of its own, from a configuration file. */
export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const { directory, name = 'gateway', env } = options
  const file = join(directory, `${name}.yaml`)
  const config = { log: { level: 'warn' }, ...options.config }
  await writeFile(file, JSON.stringify(testConfig({ ...options, config })))
  await using starting = new AsyncDisposableStack()
  const started = starting.use(
    await startProcess(main, ['run', '--config', file], env === undefined ? {} : { env }),
  )
  const banner = await started.firstJsonLine()
  const running = starting.move()
  return {
    url: String(banner.gateway),
    adminUrl: String(banner.admin),
    directory,
    process: started,
    log: () =>
      started.stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
