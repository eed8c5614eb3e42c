import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

export interface Guard {
  /** The process group to end with us; `undefined` once it is gone. */
  watch(pid: number | undefined): void
  /** Lets go of process and folder, once both are gone. */
  release(): void
}

/**
 * Makes sure that processes started with `detached: true`, and `folder`, do not outlive us, however we die.
 *
 * A waiting shell holds the reading end of a pipe whose writing end is ours alone. When we end without having
 * said so (SIGKILL included), the kernel closes the pipe, `read` fails, and the shell kills the process group
 * and removes the folder. Nothing polls, and no signal to our own group reaches either of them.
 */
export function startGuard(folder = ''): Guard {
  const script = `pid=
    while read -r word; do
      case $word in
        released) exit 0 ;;
        none) pid= ;;
        *) pid=$word ;;
      esac
    done
    [ -z "$pid" ] || kill -s KILL -- "-$pid" 2>/dev/null
    [ -n "$1" ] || exit 0
    rm -rf -- "$1"; sleep 1; rm -rf -- "$1"`
  const guard = spawn('/bin/sh', ['-c', script, 'guard', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  })
  guard.unref()
  const pipe = guard.stdin as Socket
  pipe.unref()
  pipe.on('error', () => {}) // the guard was killed by hand
  return {
    watch: (pid) => void pipe.write(`${pid ?? 'none'}\n`),
    release: () => void pipe.end('released\n'),
  }
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
