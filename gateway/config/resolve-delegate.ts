import type { DelegateRules } from '../identity/delegate.ts'
import type { ConfigFile } from './schema.ts'

type DelegateSection = NonNullable<ConfigFile['identity']['delegate']>

/** A place that is not written is null. */
export function resolveDelegate({
  success,
  email,
  firstName,
  lastName,
  ...delegate
}: DelegateSection): DelegateRules {
  return {
    ...delegate,
    successStatus: success.status,
    email: email || null,
    firstName: firstName || null,
    lastName: lastName || null,
  }
}
