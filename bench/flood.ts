import { fileURLToPath } from 'node:url'
import { startProcess } from '../gateway/test/servers/child-process.ts'
import type { FloodResult } from './send-logins.ts'
import type { Stage } from './stage.ts'

const program = fileURLToPath(new URL('./send-logins.ts', import.meta.url))

/**
 * Wrong logins, in a process of their own, until disposed.
 *
 * @throws Error at its end, when fewer were sent than promised or one had another answer than 401, or 503 with its
 * Retry-After: then it was no flood, or the gateway did not stand it
 */
export async function startFlood(
  loginsPerSecond: number,
  { gatewayUrl }: Pick<Stage, 'gatewayUrl'>,
): Promise<AsyncDisposable> {
  const child = await startProcess(program, [gatewayUrl, String(loginsPerSecond)])
  await child.firstJsonLine()
  return {
    async [Symbol.asyncDispose]() {
      await child.stop()
      const { sentPerSecond, statuses, errors } = JSON.parse(
        child.stdout.trim().split('\n').at(-1) as string,
      ) as FloodResult
      const { 401: _refused, 503: _shed, ...others } = statuses
      if (errors === 0 && Object.keys(others).length === 0 && sentPerSecond > 0.8 * loginsPerSecond) return
      throw new Error(
        `the flood of logins: ${sentPerSecond.toFixed(0)} a second, ${JSON.stringify(statuses)}, ${errors} errors`,
      )
    },
  }
}
