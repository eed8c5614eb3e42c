/** How soon the next attempt may follow when so many in a row have failed. */
export interface DelayRule {
  /** Attempts that wait for nothing. */
  readonly freeAttempts: number
  /** The first delay; each further failure doubles it. */
  readonly firstDelayMs: number
  readonly longestDelayMs: number
}

/**
 * Whoever guesses one account's password from any number of addresses gets some 90 guesses an hour, and its
 * owner never waits longer than this.
 */
export const accountDelays: DelayRule = { freeAttempts: 5, firstDelayMs: 1_000, longestDelayMs: 40_000 }

/** More free ones, since a whole campus may share an address. */
export const addressDelays: DelayRule = { freeAttempts: 20, firstDelayMs: 1_000, longestDelayMs: 300_000 }

/** After this long without an attempt nothing is remembered of a subject. */
export const forgottenAfterMs = 3_600_000

/**
 * Attempts to log in that have failed, by account typed (`l:<e-mail>`) and by address (`a:<network>`). Every attempt
 * counts as failed from its beginning: of a thousand that come at once no more pass than one after the other.
 * Methods reject when their store cannot answer.
 */
export interface LoginDelays {
  /** @returns 0 and counts the attempt, or the milliseconds it comes too early and counts nothing */
  begin(subject: string, rule: DelayRule): Promise<number>
  /** The attempt was none, or succeeded: it is as if it had not been, the others stay. */
  takeBack(subject: string): Promise<void>
  /** Nothing has ever failed. */
  forget(subject: string): Promise<void>
}

/** @param attempts those that count, at least 0 */
export function delayAfter(attempts: number, rule: DelayRule): number {
  if (attempts < rule.freeAttempts) return 0
  return Math.min(rule.longestDelayMs, rule.firstDelayMs * 2 ** (attempts - rule.freeAttempts))
}

/** Counts in this process while the shared store is away: never without a limit. */
export function delaysWithFallback(
  shared: LoginDelays,
  alone: LoginDelays,
  failed: (error: unknown) => void,
): LoginDelays {
  const orAlone = <T>(ask: (delays: LoginDelays) => Promise<T>): Promise<T> =>
    ask(shared).catch((error) => {
      failed(error)
      return ask(alone)
    })
  return {
    begin: (subject, rule) => orAlone((delays) => delays.begin(subject, rule)),
    takeBack: (subject) => orAlone((delays) => delays.takeBack(subject)),
    forget: (subject) => orAlone((delays) => delays.forget(subject)),
  }
}
