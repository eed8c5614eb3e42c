import { errors } from 'jose'
import type { TokenFlaw } from '../token-shape.ts'
import type { ConnectedCaller } from '../tokens.ts'
import { type ClaimNames, foreignCaller } from './foreign-caller.ts'
import { claimedIssuer, readForeignShape } from './foreign-shape.ts'
import { type IssuerKeys, type KeySource, openIssuerKeys } from './issuer-keys.ts'
import { KeysUnavailable } from './remote-keys.ts'

/** Somebody else whose tokens are believed. */
export interface IssuerOptions {
  /** Before the colon in the ids of its accounts. */
  readonly name: string
  /** `iss`, exactly. */
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly string[]
  readonly keys: KeySource
  /** How far its clock may be from ours. */
  readonly leewayMs: number
  readonly claims: ClaimNames
}

export type ForeignVerification =
  | {
      readonly kind: 'valid'
      readonly caller: ConnectedCaller
      readonly expiresAtMs: number
      /** When the token has to be checked again; epoch milliseconds. */
      readonly untilMs: number
    }
  | { readonly kind: 'invalid'; readonly reason: TokenFlaw }

export interface Issuers {
  /** Null when the token does not name one of these issuers. Never rejects. */
  verify(raw: string): Promise<ForeignVerification> | null
}

export interface OpenIssuersOptions {
  readonly issuers: readonly IssuerOptions[]
  /** Told when an issuer's keys cannot be fetched. */
  readonly warn: (issuer: string, cause: unknown) => void
  /** Epoch milliseconds; the system's clock by default. */
  readonly now?: () => number
}

/** So that a key which its issuer has withdrawn is not believed for as long as a token likes to live. */
const rememberedForMs = 300_000

/**
 * Reads each issuer's key, or begins to fetch its keys.
 *
 * @throws Error that names the issuer and the cure when a key file cannot be used
 */
export function openIssuers({ issuers, warn, now = Date.now }: OpenIssuersOptions): Issuers {
  const opened = new Map(
    issuers.map((options) => {
      const keys = openIssuerKeys(options, (cause) => warn(options.name, cause))
      return [options.issuer, { ...options, keys }] as const
    }),
  )

  async function verifyBy(
    { keys, ...options }: Omit<IssuerOptions, 'keys'> & { readonly keys: IssuerKeys },
    raw: string,
  ): Promise<ForeignVerification> {
    const shape = readForeignShape(raw)
    if (shape.kind === 'invalid') return shape
    if (!options.algorithms.includes(shape.alg)) return invalid('wrong-header')
    const caller = foreignCaller(options.name, shape.claims, options.claims)
    const expiresAtMs = Number(shape.claims.exp) * 1000
    if (caller === null || !Number.isSafeInteger(expiresAtMs)) return invalid('wrong-claims')
    try {
      await keys.verify(raw, {
        algorithms: [...options.algorithms],
        issuer: options.issuer,
        audience: options.audience,
        clockTolerance: options.leewayMs / 1000,
        currentDate: new Date(now()),
        requiredClaims: ['exp'],
      })
    } catch (error) {
      return invalid(flawOf(error))
    }
    const untilMs = Math.min(expiresAtMs + options.leewayMs, now() + rememberedForMs)
    return { kind: 'valid', caller, expiresAtMs, untilMs }
  }

  return {
    verify(raw) {
      const named = claimedIssuer(raw)
      const issuer = named === null ? undefined : opened.get(named)
      return issuer === undefined ? null : verifyBy(issuer, raw)
    },
  }
}

function flawOf(error: unknown): TokenFlaw {
  if (error instanceof KeysUnavailable) return 'keys-unavailable'
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown-key'
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'nbf' && error.reason === 'check_failed' ? 'not-yet-valid' : 'wrong-claims'
  }
  return 'bad-signature'
}

function invalid(reason: TokenFlaw): ForeignVerification {
  return { kind: 'invalid', reason }
}
