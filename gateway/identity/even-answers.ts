import { setTimeout as sleep } from 'node:timers/promises'

/** Longer than the databases usually take, shorter than people notice. */
const evenAnswerMs = 100

/**
 * What `work` answers or throws, no sooner than `leastMs` after it began. Whether a row is there makes a
 * difference of milliseconds to a database (a write waits for its disk, no write does not), and those who
 * measure would learn from it who has an account.
 */
export async function takeEvenTime<T>(work: () => Promise<T>, leastMs = evenAnswerMs): Promise<T> {
  const [outcome] = await Promise.allSettled([work(), sleep(leastMs)])
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}
