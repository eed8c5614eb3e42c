import type { FastifyRequest } from 'fastify'
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { Refusal } from './refusal.ts'
import { visitorOf } from './visitor.ts'

/** What proves who calls: `X-Guichet-Assertion`, a JWT that the gateway in front signs for this app. */
export interface ProofSettings {
  /** Where the gateway publishes its keys. */
  jwksUrl: string
  issuer: string
  audience: string
}

/**
 * A Fastify hook that believes `X-Forwarded-User` only beside an assertion about the same user, and takes the
 * name from it.
 *
 * @throws Refusal `unproven`; `proof-unavailable` while the gateway's keys cannot be fetched
 */
export function provenOnly({ jwksUrl, issuer, audience }: ProofSettings) {
  const keys = createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 3_000 })
  return async function provenOnly({ headers }: Pick<FastifyRequest, 'headers'>): Promise<void> {
    const visitor = visitorOf(headers)
    if (visitor.kind === 'anonymous') return
    const claims = await claimsOf(String(headers['x-guichet-assertion'] ?? ''))
    if (claims.sub !== visitor.id) throw new Refusal('unproven')
    headers['x-forwarded-name'] = encodeURIComponent(
      `${claims.given_name ?? ''} ${claims.family_name ?? ''}`.trim(),
    )
  }

  async function claimsOf(assertion: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(assertion, keys, {
        issuer,
        audience,
        // An access token of the same gateway proves nothing to an app.
        typ: 'guichet-assertion+jwt',
        algorithms: ['EdDSA'],
        requiredClaims: ['sub', 'exp'],
        clockTolerance: 5,
      })
      return payload
    } catch (error) {
      throw isAboutKeys(error) ? new Refusal('proof-unavailable') : new Refusal('unproven')
    }
  }
}

/** The assertion may be good: there is nothing to check it with. */
const isAboutKeys = (error: unknown): boolean =>
  !(error instanceof errors.JOSEError) ||
  ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'].includes(error.code)
