import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError, type Refusal } from '../errors.ts'
import { type AdmissionRequest, isViolated, type WindowRequest, type WindowState } from './admission.ts'
import type { Decision, Tier } from './decision.ts'
import { type WriteLimitHeaders, wholeSeconds } from './headers.ts'
import type { Limiter } from './limiter.ts'
import type { Policy } from './policy.ts'
import type { Asker } from './subject.ts'
import { type CountedRoute, windowsOf } from './windows-of-call.ts'
import { rememberWindows } from './windows-of-token.ts'

export interface AdmitOptions {
  readonly limiter: Limiter
  readonly limitHeaders: WriteLimitHeaders
  /** Tells the metrics of each window that was looked at. */
  readonly decided: (window: WindowState, tier: Tier) => void
  /** Tells the metrics of a policy that refuses because its store is away. */
  readonly refusedAlone: (policy: Policy) => void
  /** Ends the request of a dead session as identity wants it ended: 401, or the login page. */
  readonly refuseDeadSession: (request: FastifyRequest, reply: FastifyReply) => FastifyReply
  /** Sends a denial, or throws it. */
  readonly refuse: (denial: Refusal, request: FastifyRequest, reply: FastifyReply) => FastifyReply
}

/**
 * Step 4: session alive and quota left, in one store call. On a public route a caller whose session
 * is dead goes on as an anonymous one.
 */
export function admitCall(options: AdmitOptions) {
  const { limiter, refuseDeadSession, refuse } = options
  const remembered = rememberWindows()

  function windowsOfRequest(route: CountedRoute, request: FastifyRequest): readonly WindowRequest[] {
    const { caller } = request.journey
    const byCaller = caller.kind === 'anonymous' ? null : remembered(route)
    const known = byCaller?.get(caller)
    if (known !== undefined) return known
    const windows = windowsOrRefusal(route, askerOf(request), planOf(request))
    byCaller?.set(caller, windows)
    return windows
  }

  function follow(decision: Decision, request: FastifyRequest, reply: FastifyReply): Followed {
    const { journey } = request
    journey.decision = decision
    if (decision.kind === 'session-ended') {
      if (journey.route?.access === 'connected') return refuseDeadSession(request, reply)
      journey.caller = { kind: 'anonymous' }
      return admitCall(request, reply)
    }
    const denial = settleVerdict(decision, reply, options)
    return denial === null ? undefined : refuse(denial, request, reply)
  }

  function admitCall(request: FastifyRequest, reply: FastifyReply): Followed {
    const { route, requestId } = request.journey
    const session = sessionOf(request)
    if (route === null || (session === null && route.policies.length === 0)) return undefined
    const windows = windowsOfRequest(route, request)
    const decision = limiter.decide({ session, windows, callId: requestId })
    // A denial that is known costs no promise.
    if (!(decision instanceof Promise)) return follow(decision, request, reply)
    return decision.then((decided) => follow(decided, request, reply))
  }

  return admitCall
}

/** The reply when it was sent. */
type Followed = FastifyReply | undefined | Promise<FastifyReply | undefined>

/** Who asks, as far as the request and its token tell. */
export function askerOf(request: FastifyRequest): Asker {
  const { caller, address } = request.journey
  const header = headerReader(request)
  if (caller.kind === 'anonymous') return { address, accountId: null, role: null, login: null, header }
  return { address, accountId: caller.accountId, role: caller.role, login: null, header }
}

/** The session that has to be alive; null for an anonymous caller, and for one whose token another issuer signed. */
export function sessionOf({ journey: { caller } }: FastifyRequest): AdmissionRequest['session'] {
  if (caller.kind === 'anonymous' || caller.sessionId === null) return null
  return { accountId: caller.accountId, sessionId: caller.sessionId }
}

/** What the caller has booked, as the token says. */
export function planOf({ journey: { caller } }: FastifyRequest): string | null {
  return caller.kind === 'connected' ? caller.plan : null
}

export interface LoginAdmissionOptions extends Omit<AdmitOptions, 'refuseDeadSession' | 'refuse'> {
  readonly policies: readonly Policy[]
}

/** A successful login takes its place; rejects with `quota-exceeded` when there is none. */
type TakePlace = (email: string) => Promise<void>

/**
 * The limits on logins; throws as the step does. Policies by account count successful logins alone, so that
 * nobody's mistakes or guesses use up the owner's; all others count every attempt, at once. A window that is full is
 * told before the password is looked at, so that the answer says nothing about it.
 *
 * @param email normalised, or what was typed when that is no address; null when nobody can tell
 */
export function admitLogin(options: LoginAdmissionOptions) {
  const isBySuccess = ({ by }: Policy): boolean => by.includes('account')
  const attempts = loginRoute(options.policies.filter((policy) => !isBySuccess(policy)))
  const successes = loginRoute(options.policies.filter(isBySuccess))

  return async function admitLogin(
    email: string | null,
    address: string,
    reply: FastifyReply,
  ): Promise<TakePlace> {
    const header = headerReader(reply.request)
    const ask = async (act: 'decide' | 'look', route: CountedRoute, login: string | null) => {
      const windows = windowsOrRefusal(route, { address, accountId: null, role: null, login, header }, null)
      if (windows.length === 0) return null
      const decision = await options.limiter[act]({ session: null, windows, callId: reply.request.id })
      return decision.kind === 'session-ended' ? null : decision
    }
    const attempt = await ask('decide', attempts, email)
    if (attempt !== null) throwDenial(settleVerdict(attempt, reply, options))
    const looked = email === null ? null : await ask('look', successes, email)
    // What is left is for the owner's eyes: only those who get in see it.
    if (looked !== null && looked.kind !== 'allowed') throwDenial(settleVerdict(looked, reply, options))

    return async function takePlace(accountEmail) {
      const success = await ask('decide', successes, accountEmail)
      const counted = attempt?.kind === 'allowed' ? attempt.windows : []
      if (success !== null) throwDenial(settleVerdict(success, reply, options, counted))
    }
  }
}

const loginRoute = (policies: readonly Policy[]): CountedRoute => ({
  name: 'login',
  service: null,
  policies,
  cost: 1,
})

function headerReader({ headers }: FastifyRequest): Asker['header'] {
  return (name) => {
    const value = headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
}

function windowsOrRefusal(route: CountedRoute, asker: Asker, plan: string | null) {
  const reading = windowsOf(route, asker, plan)
  if (reading.kind === 'windows') return reading.windows
  throw new GatewayError('key-missing', {
    sentence: `Calls are counted by the header ${reading.header} here. Send it.`,
    members: { 'violated-policies': [reading.policy.name] },
  })
}

/**
 * Writes the limit headers; throws when the store is needed and away.
 * @param counted windows of a decision before, to be told again beside these
 * @returns why the call is denied; null when it is allowed
 */
function settleVerdict(
  decision: Exclude<Decision, { kind: 'session-ended' }>,
  reply: FastifyReply,
  { decided, refusedAlone, limitHeaders }: Pick<AdmitOptions, 'decided' | 'refusedAlone' | 'limitHeaders'>,
  counted: readonly WindowState[] = [],
): Refusal | null {
  if (decision.kind === 'store-away') {
    for (const policy of decision.closed) refusedAlone(policy)
    throw new GatewayError('store-unavailable', {
      retryAfterSeconds: 1,
      members: { 'violated-policies': decision.closed.map(({ name }) => name) },
    })
  }
  for (const window of decision.windows) decided(window, decision.tier)
  const windows = counted.length === 0 ? decision.windows : [...counted, ...decision.windows]
  const headers = limitHeaders(windows, decision.tier)
  if (headers !== null) {
    reply.header('RateLimit-Policy', headers.policy)
    reply.header('RateLimit', headers.limit)
    if (headers.legacy !== null) {
      reply.header('X-RateLimit-Limit', headers.legacy.quota)
      reply.header('X-RateLimit-Remaining', headers.legacy.remaining)
      reply.header('X-RateLimit-Reset', headers.legacy.reset)
    }
  }
  return decision.kind === 'denied' ? denialOf(decision) : null
}

function throwDenial(denial: Refusal | null): void {
  if (denial !== null) throw new GatewayError(denial.code, denial.details)
}

function denialOf({ windows, retryAfterMs }: Extract<Decision, { kind: 'denied' }>): Refusal {
  const violated = windows.filter(isViolated)
  return {
    code: violated.some(({ isBanned }) => isBanned) ? 'abnormal-usage' : 'quota-exceeded',
    details: {
      retryAfterSeconds: wholeSeconds(retryAfterMs),
      members: { 'violated-policies': violated.map(({ request }) => request.policy.name) },
    },
  }
}
