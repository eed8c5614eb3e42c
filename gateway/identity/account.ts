export type Role = 'user' | 'admin'

/** A person who may log in. `id` is the database's number as a decimal string. */
export interface Account {
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  readonly role: Role
  readonly isActive: boolean
}

/** Who is calling, as the signed access token says, before anyone asked whether the session is alive. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'connected'
      readonly accountId: string
      readonly sessionId: string
      readonly role: Role
      readonly email: string
      readonly firstName: string
      readonly lastName: string
    }
