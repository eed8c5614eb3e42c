import { GatewayError } from '../errors.ts'

export interface PasswordQueueOptions {
  /** How many hashes run at once. */
  readonly concurrency: number
  /** How many more may wait. */
  readonly queueLimit: number
}

/** Runs a task when its turn comes; rejects with `overloaded` (503, Retry-After 1) when the queue is full. */
export type PasswordQueue = <T>(task: () => Promise<T>) => Promise<T>

/**
 * A hash takes 10 ms of a core and 19 MiB: without a bound, a flood of logins starves every other request
 * (and the four threads that Node keeps for files and DNS).
 */
export function createPasswordQueue({ concurrency, queueLimit }: PasswordQueueOptions): PasswordQueue {
  const waiting: (() => void)[] = []
  let running = 0

  return async function runInTurn(task) {
    if (running >= concurrency) {
      if (waiting.length >= queueLimit) throw new GatewayError('overloaded', { retryAfterSeconds: 1 })
      // Whoever finishes hands over its place, so `running` does not change here.
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else {
      running++
    }
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
