import type { Logger } from 'pino'
import type { GatewayConfig } from '../config/config.ts'
import { formatProblem, loadConfig } from '../config/load.ts'

export interface ReloadOptions {
  readonly file: string
  readonly log: Logger
  /** @throws Error that says why the configuration cannot be taken; the last one holds then */
  readonly take: (config: GatewayConfig) => Promise<void>
  readonly refused: () => void
}

/** Reads the configuration again, and says in the log what became of it. Never rejects. */
export async function reloadConfig({ file, log, take, refused }: ReloadOptions): Promise<void> {
  const loaded = loadConfig(file, process.env)
  try {
    if (loaded.kind === 'bad') {
      for (const problem of loaded.problems) log.error(formatProblem(problem))
      throw new Error('it has problems')
    }
    await take(loaded.config)
    log.info({ file }, 'the configuration was read again')
  } catch (error) {
    refused()
    const reason = error instanceof Error ? error.message : String(error)
    log.error(`the configuration in ${file} was not taken, the last good one stays: ${reason}`)
  }
}
