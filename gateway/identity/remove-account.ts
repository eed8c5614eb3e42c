import type { AccountRemoval, Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { Codes } from './codes.ts'
import { endSessionsAfter } from './end-sessions.ts'
import { forgetCodes } from './forget-codes.ts'
import type { Sessions } from './sessions.ts'

export interface RemoveAccountDependencies {
  readonly accounts: Pick<Accounts, 'remove'>
  readonly codes: Pick<Codes, 'forget'>
  readonly sessions: Pick<Sessions, 'endAll'>
}

/**
 * Forgets an account, its codes and its sessions. Calls that were recorded keep its id, which names nobody
 * any more.
 *
 * @throws GatewayError `store-unavailable`
 */
export async function removeAccount(
  { accounts, codes, sessions }: RemoveAccountDependencies,
  accountId: string,
): Promise<AccountRemoval> {
  const removal = await askStore(accounts.remove(accountId))
  if (removal.kind !== 'removed') return removal
  await forgetCodes(codes, accountId)
  await endSessionsAfter(
    sessions,
    accountId,
    'The account is deleted, but its sessions could not be ended. They end by themselves within minutes, since no ' +
      'token is renewed without an account.',
  )
  return removal
}
