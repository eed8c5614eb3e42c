import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { type Guard, signalGroup, startGuard } from './guard-process.ts'

/** A database server of our own, on a loopback port, in a temporary folder that goes with it. */
export interface PrivateServer extends AsyncDisposable {
  readonly port: number
  /** Of the running process; another one after `restart`. */
  readonly pid: number
  /** Ends the process at once and waits until it is gone; port and folder stay reserved for `restart`. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** SIGSTOP: connections are accepted by the kernel, nothing answers. */
  freeze(): void
  thaw(): void
  /** Kills it if it runs, starts it again on the same port, resolves when it answers. */
  restart(): Promise<void>
  /** Ends it and removes its folder; twice is fine. */
  stop(): Promise<void>
}

export interface ServerRecipe {
  /** Name or path of the program. */
  binary: string
  /** What cures a missing program. */
  cure: string
  args(place: { folder: string; port: number }): string[]
  /** Fills the fresh folder, once. */
  prepare?(folder: string): Promise<void>
  /** Does the server with this pid answer on this port? Throws or says false while it does not. */
  answers(place: { folder: string; port: number; pid: number }): Promise<boolean>
}

interface Running {
  child: ChildProcess
  ended: Promise<void>
}

const readyWithinMs = 60_000

/** @throws Error with the cure when the program is missing; with the server's own output when it does not start. */
export async function startPrivateServer(recipe: ServerRecipe): Promise<PrivateServer> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-test-'))
  const guard = startGuard(folder)
  const discard = async () => {
    await rm(folder, { recursive: true, force: true })
    guard.release()
  }
  let port = 0
  let running: Running
  try {
    await recipe.prepare?.(folder)
    for (let attempt = 1; ; attempt++) {
      port = await freePort()
      try {
        running = await launch(recipe, { folder, port }, guard)
        break
      } catch (error) {
        // Someone took the port between the probe and the server's bind.
        if (attempt === 5 || !/address already in use/i.test(String(error))) throw error
      }
    }
  } catch (error) {
    await discard()
    throw error
  }

  let stopping: Promise<void> | undefined
  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    signalGroup(running.child, signal)
    await running.ended
  }
  const stop = () => {
    stopping ??= kill().then(discard)
    return stopping
  }
  return {
    port,
    get pid() {
      return running.child.pid ?? -1
    },
    kill,
    freeze: () => signalGroup(running.child, 'SIGSTOP'),
    thaw: () => signalGroup(running.child, 'SIGCONT'),
    restart: async () => {
      await kill()
      running = await launch(recipe, { folder, port }, guard)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function launch(
  recipe: ServerRecipe,
  place: { folder: string; port: number },
  guard: Guard,
): Promise<Running> {
  // Detached: a Ctrl-C for vitest reaches the server through the guard or `stop`, never as a race between them.
  const child = spawn(recipe.binary, recipe.args(place), {
    cwd: place.folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const listen = (chunk: Buffer) => {
    output = (output + chunk).slice(-8_000)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let failure: Error | undefined
  let hasEnded = false
  child.once('error', (error: NodeJS.ErrnoException) => {
    failure = error.code === 'ENOENT' ? new Error(`${recipe.binary} is missing: ${recipe.cure}`) : error
    hasEnded = true
    resolve()
  })
  child.once('close', () => {
    hasEnded = true
    resolve()
  })
  const pid = child.pid
  guard.watch(pid)
  void ended.then(() => guard.watch(undefined))

  const deadline = performance.now() + readyWithinMs
  while (performance.now() < deadline) {
    if (hasEnded) throw failure ?? new Error(`${recipe.binary} ended at its start:\n${output}`)
    if (pid !== undefined && (await recipe.answers({ ...place, pid }).catch(() => false))) {
      return { child, ended }
    }
    await Promise.race([sleep(15), ended])
  }
  signalGroup(child, 'SIGKILL')
  await ended
  throw new Error(`${recipe.binary} did not answer within ${readyWithinMs / 1_000} s:\n${output}`)
}
