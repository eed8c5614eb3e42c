import { root } from './operators/repository.ts'
import type { StartedProcess } from './servers/child-process.ts'
import { startProcess } from './servers/child-process.ts'

export interface DemoAccount {
  readonly email: string
  readonly password: string
}

export interface Demo extends AsyncDisposable {
  readonly process: StartedProcess
  readonly gateway: string
  readonly admin: string
  readonly backend: string
  readonly adminToken: string
  readonly accounts: readonly DemoAccount[]
}

/** `npm start`, on free ports, with its data in `directory`. */
export async function startDemo(
  directory: string,
  env: Record<string, string | undefined> = {},
): Promise<Demo> {
  const started = await startProcess('gateway/main.ts', ['demo'], {
    cwd: root,
    env: { ...demoEnvironment(directory), ...env },
  })
  try {
    const { event: _, ...banner } = await started.firstJsonLine()
    return {
      ...(banner as unknown as Omit<Demo, 'process' | typeof Symbol.asyncDispose>),
      process: started,
      [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
    }
  } catch (error) {
    await started[Symbol.asyncDispose]()
    throw error
  }
}

export const demoEnvironment = (directory: string): Record<string, string | undefined> => ({
  DATA_DIR: directory,
  PORT: '0',
  ADMIN_PORT: '0',
  BACKEND_PORT: '0',
  GUICHET_ADMIN_TOKEN: undefined,
  LOG_LEVEL: undefined,
})
