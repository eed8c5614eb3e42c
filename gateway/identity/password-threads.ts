import { readdirSync, readFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

/**
 * The threads that hash (libuv's, which also read files and look up names) give way to the one that answers: where
 * both want a core they get a tenth of it. On Linux a thread has a niceness of its own, and its id is as good as a
 * process's; elsewhere nothing happens, and the bound on hashes at once has to do.
 */
export function lowerHashingThreads(): void {
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      const name = readFileSync(`/proc/self/task/${thread}/comm`, 'utf8')
      if (name.startsWith('libuv-worker'))
        setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL)
    }
  } catch {
    // No such folder, or a container that forbids it.
  }
}
