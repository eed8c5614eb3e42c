import { GatewayError } from '../errors.ts'
import { accountDelays, addressDelays, type LoginDelays } from './login-delays.ts'

/** Takes a place of the limits on logins for the account with this e-mail; rejects when none is left. */
export type TakeLoginPlace = (email: string) => Promise<unknown>

/** An attempt that may go on to the password. */
export interface LoginAttempt {
  /** Before the session is opened. Rejects when others have taken the last place meanwhile. */
  succeeded(email: string): Promise<void>
  /** Nobody has looked at the password: it was no attempt. */
  dropped(): Promise<void>
}

/** @param email normalised, or as typed when it is no address; null when nobody can tell which account is meant */
export type BeginAttempt = (email: string | null) => Promise<LoginAttempt>

export interface BeginAttemptOptions {
  /** Asks the limits on logins; rejects with `quota-exceeded` when one of them has no room. */
  readonly admit: (email: string | null) => Promise<TakeLoginPlace>
  readonly delays: LoginDelays
  /** Where the attempt comes from, as limits count it. */
  readonly network: string
}

/** Longer than any address; what is typed beyond it tells no two accounts apart. */
const longestTyped = 254

/**
 * What stands between an attempt and the password: the limits on logins first, then the delays that grow with
 * failures. Nothing here knows whether the account exists.
 *
 * The address is asked first, so that one that has to wait does not count against anybody's account.
 */
export function attempts({ admit, delays, network }: BeginAttemptOptions): BeginAttempt {
  async function beginOn(account: string): Promise<void> {
    const waitMs = await delays.begin(account, accountDelays)
    if (waitMs === 0) return
    await delays.takeBack(network)
    throw tooEarly(waitMs)
  }

  return async function beginAttempt(email) {
    const takePlace = await admit(email)
    const waitMs = await delays.begin(network, addressDelays)
    if (waitMs > 0) throw tooEarly(waitMs)
    const account = email === null ? null : `l:${email.slice(0, longestTyped)}`
    if (account !== null) await beginOn(account)
    return {
      async succeeded(accountEmail) {
        await takePlace(accountEmail)
        // Not the address's other failures: else one's own account would wipe out guesses at others.
        await delays.takeBack(network)
        if (account !== null) await delays.forget(account)
      },
      async dropped() {
        await delays.takeBack(network)
        if (account !== null) await delays.takeBack(account)
      },
    }
  }
}

const tooEarly = (waitMs: number): GatewayError =>
  new GatewayError('too-many-attempts', { retryAfterSeconds: Math.ceil(waitMs / 1000) })
