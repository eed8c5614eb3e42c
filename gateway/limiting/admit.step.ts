import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { WindowRequest, WindowState } from './admission.ts'
import type { Decision, Tier } from './decision.ts'
import { limitHeaders, wholeSeconds } from './headers.ts'
import type { Limiter } from './limiter.ts'
import type { Policy } from './policy.ts'
import { type Asker, subjectOf } from './subject.ts'

export interface AdmitOptions {
  readonly limiter: Limiter
  /** Tells the metrics of each window that was looked at. */
  readonly decided: (window: WindowState, tier: Tier) => void
  /** Tells the metrics of a policy that refuses because its store is away. */
  readonly refusedAlone: (policy: Policy) => void
  /** Ends the request of a dead session as identity wants it ended: 401, or the login page. */
  readonly refuseDeadSession: (request: FastifyRequest, reply: FastifyReply) => FastifyReply
}

/**
 * Step 4: session alive and quota left, in one store call. On a public route a caller whose session
 * is dead goes on as an anonymous one.
 */
export function admitCall(options: AdmitOptions) {
  const { limiter, refuseDeadSession } = options
  return async function admitCall(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { journey } = request
    const { route, caller } = journey
    const policies = route?.policies ?? []
    const session = caller.kind === 'connected' ? caller : null
    if (session === null && policies.length === 0) return undefined
    const asker: Asker = { address: journey.address, accountId: session?.accountId ?? null, login: null }

    const decision = await limiter.decide({ session, windows: windowsOf(policies, asker) })
    journey.decision = decision
    if (decision.kind === 'session-ended') {
      if (route?.access === 'connected') return refuseDeadSession(request, reply)
      journey.caller = { kind: 'anonymous' }
      return admitCall(request, reply)
    }
    return settle(decision, reply, options)
  }
}

export interface LoginAdmissionOptions extends Omit<AdmitOptions, 'refuseDeadSession'> {
  readonly policies: readonly Policy[]
}

/**
 * The limits on logins, by the account named and by the address it comes from; throws as the step does.
 * @param email normalised, or what was typed when that is no address
 */
export function admitLogin(options: LoginAdmissionOptions) {
  const { limiter, policies } = options
  return async function admitLogin(email: string, address: string, reply: FastifyReply): Promise<void> {
    const asker: Asker = { address, accountId: null, login: email }
    const decision = await limiter.decide({ session: null, windows: windowsOf(policies, asker) })
    if (decision.kind !== 'session-ended') settle(decision, reply, options)
  }
}

function windowsOf(policies: readonly Policy[], asker: Asker): WindowRequest[] {
  return policies.map((policy) => ({ policy, subject: subjectOf(policy, asker) }))
}

/** Writes the limit headers, and throws unless the call is allowed. */
function settle(
  decision: Exclude<Decision, { kind: 'session-ended' }>,
  reply: FastifyReply,
  { decided, refusedAlone }: Pick<AdmitOptions, 'decided' | 'refusedAlone'>,
): void {
  if (decision.kind === 'store-away') {
    for (const policy of decision.closed) refusedAlone(policy)
    throw new GatewayError('store-unavailable', { retryAfterSeconds: 1 })
  }
  for (const window of decision.windows) decided(window, decision.tier)
  const headers = limitHeaders(decision.windows)
  if (headers !== null) {
    reply.header('RateLimit-Policy', headers.policy)
    reply.header('RateLimit', headers.limit)
  }
  if (decision.kind === 'denied') {
    const violated = decision.windows.filter((window) => !window.hasRoom).map((window) => window.policy.name)
    throw new GatewayError('quota-exceeded', {
      retryAfterSeconds: wholeSeconds(decision.retryAfterMs),
      members: { 'violated-policies': violated },
    })
  }
}
