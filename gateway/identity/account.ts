export type Role = 'user' | 'admin'

/** A person who may log in. `id` is the database's number as a decimal string. */
export interface Account {
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  readonly role: Role
  /** What the account has booked, for quotas by plan; null: none. */
  readonly plan: string | null
  readonly isActive: boolean
}

/** Who is calling, as the signed access token says, before anyone asked whether the session is alive. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'connected'
      readonly accountId: string
      /** Null: another issuer signed the token, so there is no session with us that could end. */
      readonly sessionId: string | null
      readonly role: Role
      readonly plan: string | null
      readonly email: string
      readonly firstName: string
      readonly lastName: string
    }

/** How a plan is written: in the database, in a token, and as a key of `quotas`. */
export const planPattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'
const plan = new RegExp(planPattern)

export const isPlan = (text: unknown): text is string => typeof text === 'string' && plan.test(text)

const largestId = 2n ** 63n - 1n

/**
 * The number behind an account id, or null when the text is none. A database would read `1 OR 1=1` as 1,
 * and a JavaScript number would round what is above 2^53.
 */
export function accountNumber(id: string): bigint | null {
  if (!/^(0|[1-9]\d{0,18})$/.test(id)) return null
  const number = BigInt(id)
  return number <= largestId ? number : null
}
