import { spawn } from 'node:child_process'
import { signalGroup, startGuard } from './guard-process.ts'

export interface ProcessOptions {
  /** Added to our own environment; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>
  cwd?: string
}

/** How a process ended: its exit code, or the signal that ended it. */
export type Exit = { kind: 'exit'; code: number } | { kind: 'signal'; signal: NodeJS.Signals }

export interface StartedProcess extends AsyncDisposable {
  readonly pid: number
  /** Everything written so far. */
  readonly stdout: string
  readonly stderr: string
  /** Resolves when it has ended and its output is complete. */
  readonly ended: Promise<Exit>
  /**
   * The first line of stdout that is a JSON object with an `event`.
   *
   * @throws Error with all output when the process ends, or 30 s pass, without one.
   */
  firstJsonLine(): Promise<{ event: string; [key: string]: unknown }>
  /** Sends a signal (SIGTERM unless told) to the process itself and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>
}

/**
 * Runs a program; a `.ts` file runs with our own Node. Disposing kills it and everything it started, and so does
 * our own death.
 *
 * @throws Error when the program cannot be started.
 */
export async function startProcess(
  command: string,
  args: string[] = [],
  options: ProcessOptions = {},
): Promise<StartedProcess> {
  const [program, programArgs] = command.endsWith('.ts')
    ? [process.execPath, [command, ...args]]
    : [command, args]
  const child = spawn(program, programArgs, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    detached: true, // a group of its own, so that its children end with it
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output.stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output.stderr += chunk
  })
  const ended = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) =>
      resolve(signal === null ? { kind: 'exit', code: code ?? -1 } : { kind: 'signal', signal }),
    )
  })
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve).once('error', reject)
  })
  const pid = child.pid as number
  const guard = startGuard()
  guard.watch(pid)

  return {
    pid,
    ended,
    get stdout() {
      return output.stdout
    },
    get stderr() {
      return output.stderr
    },
    firstJsonLine: () =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(timer)
          child.stdout.off('data', look)
          act()
        }
        const fail = (why: string) =>
          settle(() =>
            reject(new Error(`${command} ${why} before a JSON line:\n${output.stdout}\n${output.stderr}`)),
          )
        const look = () => {
          const found = output.stdout.split('\n').slice(0, -1).map(parseEvent).find(Boolean)
          if (found) settle(() => resolve(found))
        }
        const timer = setTimeout(fail, 30_000, 'let 30 s pass')
        child.stdout.on('data', look)
        void ended.then(() => {
          look()
          fail('ended')
        })
        look()
      }),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal)
      return ended
    },
    async [Symbol.asyncDispose]() {
      signalGroup(child, 'SIGKILL')
      await ended
      guard.release()
    },
  }
}

function parseEvent(line: string): { event: string } | undefined {
  try {
    const value: unknown = JSON.parse(line)
    const isEvent =
      typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string'
    return isEvent ? (value as { event: string }) : undefined
  } catch {
    return undefined
  }
}
