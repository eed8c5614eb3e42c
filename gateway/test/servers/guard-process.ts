import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/** Ends a guard without harm, once its process is gone. */
export type Release = () => void

/**
 * Makes sure a process started with `detached: true` does not outlive us, however we die.
 *
 * A waiting shell holds the reading end of a pipe whose writing end is ours alone. When we end without having
 * said so (SIGKILL included), the kernel closes the pipe, `read` fails, and the shell kills the process group
 * and removes `folder`. Nothing polls, and no signal to our own group reaches either of them.
 */
export function guardProcess(pid: number, folder = ''): Release {
  const script = `read -r released && exit 0
    kill -s KILL -- "-$1" 2>/dev/null
    [ -n "$2" ] || exit 0
    rm -rf -- "$2"; sleep 1; rm -rf -- "$2"`
  const guard = spawn('/bin/sh', ['-c', script, 'guard', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  })
  guard.unref()
  const pipe = guard.stdin as Socket
  pipe.unref()
  pipe.on('error', () => {}) // the guard was killed by hand
  return () => pipe.end('released\n')
}

/** Signals the whole process group of a detached child; one that is gone already is fine. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
