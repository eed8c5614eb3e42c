import { jwtVerify, SignJWT } from 'jose'
import { type Account, type Caller, isPlan, type Role } from './account.ts'
import type { Issuers } from './issuers/issuers.ts'
import type { SigningKeys } from './signing-keys.ts'
import { createTokenMemory } from './token-memory.ts'
import { readTokenShape, type TokenFlaw } from './token-shape.ts'

export interface TokenOptions {
  readonly keys: SigningKeys
  readonly issuer: string
  readonly audience: string
  /** Whose tokens are believed beside ours. */
  readonly issuers?: Issuers
  readonly lifetimeMs: number
  /** How far the clocks of two gateways may be apart; 5 by default, which is also the most. */
  readonly clockToleranceSeconds?: number
  /** Epoch milliseconds; the system's clock by default. */
  readonly now?: () => number
}

export type ConnectedCaller = Extract<Caller, { kind: 'connected' }>

export type Verification =
  | { readonly kind: 'valid'; readonly caller: ConnectedCaller; readonly expiresAtMs: number }
  | { readonly kind: 'invalid'; readonly reason: TokenFlaw }

type Valid = Extract<Verification, { kind: 'valid' }>

export interface Tokens {
  /** A JWT of type `at+jwt` (RFC 9068), valid for the configured lifetime from `nowMs`. */
  issueAccessToken(account: Account, sessionId: string, nowMs: number): Promise<string>
  /**
   * Who the token says is calling. A token seen before is answered at once, without a promise; none
   * rejects. That the session is still alive is for the admission to say.
   */
  verifyAccessToken(raw: string): Verification | Promise<Verification>
}

const accessTokenType = 'at+jwt'
const rememberedTokens = 10_000
/** So that the cookie that carries the token stays below what browsers keep (4 KB). */
const longestName = 120

export function createTokens(options: TokenOptions): Tokens {
  const { keys, issuer, audience, lifetimeMs, now = Date.now } = options
  const toleranceSeconds = Math.min(options.clockToleranceSeconds ?? 5, 5)
  const underWay = new Map<string, Promise<Verification>>()
  let withdrawalsSeen = keys.withdrawals
  const verified = createTokenMemory<Valid & { readonly untilMs: number }>(rememberedTokens)

  /** Calls that bring the same new token at once share its check, and so keep their order. */
  function verifyOnce(raw: string): Promise<Verification> {
    let verifying = underWay.get(raw)
    if (verifying === undefined) {
      verifying = verifyUnknown(raw).finally(() => underWay.delete(raw))
      underWay.set(raw, verifying)
    }
    return verifying
  }

  async function verifyUnknown(raw: string): Promise<Verification> {
    const foreign = await options.issuers?.verify(raw)
    if (foreign?.kind === 'valid') verified.set(raw, foreign)
    return foreign ?? verifyOwn(raw)
  }

  async function verifyOwn(raw: string): Promise<Verification> {
    const shape = readTokenShape(raw, accessTokenType)
    if (shape.kind === 'invalid') return shape
    const publicKey = await keys.publicKey(shape.kid)
    if (publicKey === null) return invalid('unknown-key')
    const caller = callerOf(shape.claims)
    const { exp, nbf = 0, iss, aud } = shape.claims
    if (caller === null || iss !== issuer || aud !== audience) return invalid('wrong-claims')
    if (!Number.isSafeInteger(exp) || !Number.isSafeInteger(nbf)) return invalid('wrong-claims')
    const expiresAtMs = (exp as number) * 1000
    const untilMs = expiresAtMs + toleranceSeconds * 1000
    if (untilMs <= now()) return invalid('expired')
    if ((nbf as number) * 1000 > now() + toleranceSeconds * 1000) return invalid('not-yet-valid')
    try {
      await jwtVerify(raw, publicKey, {
        algorithms: ['EdDSA'],
        typ: accessTokenType,
        issuer,
        audience,
        clockTolerance: toleranceSeconds,
        currentDate: new Date(now()),
        requiredClaims: ['sub', 'sid', 'role', 'iat', 'exp'],
      })
    } catch {
      return invalid('bad-signature')
    }
    const verification = { kind: 'valid', caller, expiresAtMs } as const
    verified.set(raw, { ...verification, untilMs })
    return verification
  }

  return {
    issueAccessToken(account, sessionId, nowMs) {
      const issuedAt = Math.floor(nowMs / 1000)
      const { kid, privateKey } = keys.current
      return new SignJWT({
        sid: sessionId,
        role: account.role,
        ...(account.plan === null ? {} : { plan: account.plan }),
        email: account.email,
        given_name: shortened(account.firstName),
        family_name: shortened(account.lastName),
      })
        .setProtectedHeader({ alg: 'EdDSA', typ: accessTokenType, kid })
        .setSubject(account.id)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + Math.floor(lifetimeMs / 1000))
        .sign(privateKey)
    },
    verifyAccessToken(raw) {
      if (keys.withdrawals !== withdrawalsSeen) {
        withdrawalsSeen = keys.withdrawals
        verified.clear()
      }
      const known = verified.get(raw)
      if (known !== undefined && now() < known.untilMs) return known
      verified.delete(raw)
      return verifyOnce(raw)
    },
  }
}

/** Null when a claim is missing or of another type. */
function callerOf(claims: Readonly<Record<string, unknown>>): ConnectedCaller | null {
  const { sub, sid, role, plan = null, email, given_name: firstName, family_name: lastName, iat } = claims
  if (!isText(sub) || !isText(sid) || !isText(email) || !Number.isSafeInteger(iat)) return null
  if (typeof firstName !== 'string' || typeof lastName !== 'string') return null
  if (role !== ('user' satisfies Role) && role !== ('admin' satisfies Role)) return null
  if (plan !== null && !isPlan(plan)) return null
  return { kind: 'connected', accountId: sub, sessionId: sid, role, plan, email, firstName, lastName }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** By whole characters; a lone half would not survive UTF-8, and the token not its own check. */
export function shortened(name: string): string {
  return [...name.toWellFormed()].slice(0, longestName).join('')
}

function invalid(reason: TokenFlaw): Verification {
  return { kind: 'invalid', reason }
}
