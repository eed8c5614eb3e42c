import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Accounts } from './accounts.ts'

const dayMs = 86_400_000

/** Statistics look back 90 days at most; the hour in which those began counts too. */
const keptMs = 91 * dayMs

/** Few enough that neither an SQLite file nor a lock of MySQL keeps anyone waiting. */
const atATime = 1_000

export interface ForgetOldLoginsOptions {
  readonly accounts: Pick<Accounts, 'forgetLogins'>
  readonly warn: (problem: string, cause: unknown) => void
  /** Epoch milliseconds; the system's clock by default. */
  readonly now?: () => number
  readonly everyMs?: number
}

/**
 * Forgets the counters of logins that no statistic can ask for any more: now, and once a day. Each of several
 * gateways does so; all but the first find little to do. Disposing waits for what is under way.
 */
export function forgetOldLogins({
  accounts,
  warn,
  now = Date.now,
  everyMs = dayMs,
}: ForgetOldLoginsOptions): AsyncDisposable {
  let isClosing = false
  let running = forgetAll()
  const timer = setInterval(() => {
    running = running.then(forgetAll)
  }, everyMs).unref()

  async function forgetAll(): Promise<void> {
    try {
      const untilMs = now() - keptMs
      while (!isClosing && (await accounts.forgetLogins(untilMs, atATime)) === atATime) await nextTurn()
    } catch (cause) {
      warn('old counters of logins are kept until tomorrow', cause)
    }
  }

  return {
    async [Symbol.asyncDispose]() {
      isClosing = true
      clearInterval(timer)
      await running
    },
  }
}
