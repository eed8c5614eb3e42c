import { GatewayError } from '../errors.ts'
import type { Sessions } from './sessions.ts'

/**
 * Ends sessions after something was changed that they must not outlive: later than the change, so that
 * nobody opens one more by what was true before.
 *
 * @param done what has happened all the same, as a sentence with what to do now
 * @throws GatewayError `store-unavailable`
 */
export async function endSessionsAfter(
  sessions: Pick<Sessions, 'endAll'>,
  accountId: string,
  done: string,
  options: { readonly except?: string } = {},
): Promise<number> {
  try {
    return await sessions.endAll(accountId, options)
  } catch (cause) {
    throw new GatewayError('store-unavailable', { sentence: done, retryAfterSeconds: 2, cause })
  }
}
