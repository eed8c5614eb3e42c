import type { Account } from './account.ts'
import type { AccountRemoval } from './accounts.ts'
import { type ProvePasswordDependencies, provePassword } from './prove-password.ts'
import { type RemoveAccountDependencies, removeAccount } from './remove-account.ts'

export type RemoveOwnAccountDependencies = RemoveAccountDependencies & ProvePasswordDependencies

/**
 * Forgets the account of somebody who knows its password.
 *
 * @throws GatewayError `store-unavailable`, `overloaded`, `too-many-attempts`
 */
export async function removeOwnAccount(
  deps: RemoveOwnAccountDependencies,
  account: Account,
  currentPassword: string,
): Promise<AccountRemoval | { readonly kind: 'wrong' }> {
  const proof = await provePassword(deps, account, currentPassword)
  return proof.kind === 'wrong' ? proof : removeAccount(deps, account.id)
}
