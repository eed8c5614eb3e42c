import type { Command } from 'ioredis'

/**
 * Gives a command a deadline, as ioredis's `commandTimeout` does, but looks at the socket once more before
 * it gives up: after a pause of this process (a collection of garbage, a busy machine) timers run before the
 * answers that have arrived meanwhile, and a healthy server would look dead to every call at once.
 */
export function giveUpInTime(command: Command, deadlineMs: number): void {
  if (command.isSettled) return
  const timer = setTimeout(() => {
    setImmediate(() => {
      if (!command.isSettled) command.reject(new Error(`no answer within ${deadlineMs} ms`))
    })
  }, deadlineMs)
  const forget = (): void => clearTimeout(timer)
  command.promise.then(forget, forget)
}
