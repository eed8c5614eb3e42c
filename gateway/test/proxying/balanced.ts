import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'
import { type StartedProcess, startProcess } from '../servers/child-process.ts'
import { openTestGateway, type TestGateway, type TestGatewayOptions } from '../test-gateway.ts'

export interface BalancedOptions extends Pick<TestGatewayOptions, 'onLog'> {
  readonly targets: readonly { readonly url: string; readonly weight?: number }[]
  /** More keys of the upstream. */
  readonly upstream?: Readonly<Record<string, unknown>>
}

/** A gateway before one app on several targets. */
export function openBalancedGateway({ targets, upstream, onLog }: BalancedOptions): Promise<TestGateway> {
  return openTestGateway({
    upstream: '',
    config: { upstreams: { app: { targets, connectTimeout: '1s', responseTimeout: '2s', ...upstream } } },
    ...(onLog !== undefined && { onLog }),
  })
}

export interface TestTarget extends AsyncDisposable {
  readonly url: string
  /** Host and port. */
  readonly name: string
  /** Requests that have reached it. */
  calls: number
  /** Breaks every connection off and refuses new ones. */
  stop(): Promise<void>
  /** Listens again, at the same address. */
  restart(): Promise<void>
}

/** A target in this process that answers its own name, or as it is told. */
export async function startTarget(port: number, answer?: RequestListener): Promise<TestTarget> {
  const name = `127.0.0.1:${port}`
  const server = createServer((request, response) => {
    target.calls++
    if (answer === undefined) response.end(name)
    else answer(request, response)
  })
  const target: TestTarget = {
    url: `http://${name}`,
    name,
    calls: 0,
    async stop() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
    async restart() {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    [Symbol.asyncDispose]: () => target.stop(),
  }
  await target.restart()
  return target
}

const targetApp = fileURLToPath(new URL('target-app.ts', import.meta.url))

/** A target in a process of its own. */
export async function startTargetProcess(port: number, delayMs = 5): Promise<StartedProcess> {
  const env = { NAME: String(port), PORT: String(port), DELAY_MS: String(delayMs) }
  const started = await startProcess(targetApp, [], { env })
  await started.firstJsonLine()
  return started
}

/** Makes so many calls, a few at a time, and answers what `call` did, in order. */
export async function inTurns<T>(
  calls: number,
  atOnce: number,
  call: (index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let index = next++; index < calls; index = next++) results[index] = await call(index)
    }),
  )
  return results
}

/** How often each value occurs. */
export function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}
