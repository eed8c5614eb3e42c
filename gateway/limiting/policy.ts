/** What a policy does for a call while its store cannot answer. */
export type WhenStoreIsDown = 'local' | 'open' | 'closed'

/** Whose calls share one window: the connected user, the client address, or the account named at login. */
export type PolicyKey = 'user' | 'address' | 'account'

/** At most `quota` calls in any trailing window of `windowMs`. */
export interface Policy {
  readonly name: string
  readonly quota: number
  readonly windowMs: number
  readonly by: PolicyKey
  readonly whenStoreIsDown: WhenStoreIsDown
}
