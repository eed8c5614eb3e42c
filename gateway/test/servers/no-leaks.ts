import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll } from 'vitest'

/**
 * Fails a test file that leaves a server listening, a connection open or a child running behind. (Vitest's own
 * detectAsyncLeaks reports without failing, and takes a stack trace of every promise.)
 *
 * Names are Node's, of handles that would keep the process alive. Every file has a process of its own, and hooks
 * run last in, first out: this one, registered before the file's own, runs after them.
 */
const watched = new Set(['TCPServerWrap', 'TCPSocketWrap', 'ProcessWrap'])
const graceMs = 2_000

const open = () => process.getActiveResourcesInfo().filter((name) => watched.has(name))

afterAll(async () => {
  const deadline = performance.now() + graceMs
  while (open().length > 0) {
    if (performance.now() > deadline)
      throw new Error(`left open at the end of this file: ${open().join(', ')}`)
    await sleep(20)
  }
})
