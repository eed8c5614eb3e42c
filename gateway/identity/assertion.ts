import type { Caller } from './account.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { ConnectedCaller } from './tokens.ts'

/** So that it is never taken for an access token, nor one for it. */
export const assertionType = 'guichet-assertion+jwt'

const lifetimeSeconds = 60
const leastLeftMs = 30_000

export interface AssertionOptions {
  readonly keys: Pick<SigningKeys, 'current'>
  readonly issuer: string
  /** Epoch milliseconds; the system's clock by default. */
  readonly now?: () => number
}

/** `X-Guichet-Assertion` for an upstream; null when nobody is connected. */
export type Assert = (caller: Caller, upstream: string) => string | null

interface Signed {
  readonly jwt: string
  readonly expiresAtMs: number
}

/**
 * Says who calls so that an app can check it with our JWKS: a JWT for one upstream and one minute. What has
 * half of that left is sent again. It is remembered with the caller, whom a verified token brings back as the
 * same object, and so for as many callers as there are remembered tokens.
 */
export function createAssertions({ keys, issuer, now = Date.now }: AssertionOptions): Assert {
  const signed = new WeakMap<ConnectedCaller, Map<string, Signed>>()

  function sign(caller: ConnectedCaller, upstream: string, nowMs: number): Signed {
    const { kid, sign } = keys.current
    const issuedAt = Math.floor(nowMs / 1000)
    const expiresAt = issuedAt + lifetimeSeconds
    const claims = {
      iss: issuer,
      aud: upstream,
      sub: caller.accountId,
      ...(caller.sessionId !== null && { sid: caller.sessionId }),
      role: caller.role,
      ...(caller.plan !== null && { plan: caller.plan }),
      email: caller.email,
      given_name: caller.firstName,
      family_name: caller.lastName,
      iat: issuedAt,
      exp: expiresAt,
    }
    const text = `${encode({ alg: 'EdDSA', typ: assertionType, kid })}.${encode(claims)}`
    return { jwt: `${text}.${sign(text)}`, expiresAtMs: expiresAt * 1000 }
  }

  return function assert(caller, upstream) {
    if (caller.kind === 'anonymous') return null
    const nowMs = now()
    let ofCaller = signed.get(caller)
    const known = ofCaller?.get(upstream)
    if (known !== undefined && known.expiresAtMs - nowMs >= leastLeftMs) return known.jwt
    if (ofCaller === undefined) {
      ofCaller = new Map()
      signed.set(caller, ofCaller)
    }
    const fresh = sign(caller, upstream, nowMs)
    ofCaller.set(upstream, fresh)
    return fresh.jwt
  }
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
