import { askStore } from './ask-store.ts'
import type { Codes } from './codes.ts'

/**
 * Makes the codes worthless that were mailed for an account, after a change of what they would change:
 * whoever asked for one need not be whom the account belongs to.
 *
 * @throws GatewayError `store-unavailable`
 */
export async function forgetCodes(codes: Pick<Codes, 'forget'>, accountId: string): Promise<void> {
  await askStore(codes.forget('password-reset', accountId))
  await askStore(codes.forget('email-change', accountId))
}
