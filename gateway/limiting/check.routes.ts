import type { FastifyInstance } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { WindowState } from './admission.ts'
import type { Tier } from './decision.ts'
import { type WriteLimitHeaders, wholeSeconds } from './headers.ts'
import type { Limiter } from './limiter.ts'
import type { Policy } from './policy.ts'
import type { Asker } from './subject.ts'
import { type CountedRoute, windowsOf } from './windows-of-call.ts'

export interface CheckOptions {
  readonly limiter: Pick<Limiter, 'decide'>
  /** By user alone, as the configuration has made sure. */
  readonly policy: Policy
  readonly limitHeaders: WriteLimitHeaders
  readonly decided: (window: WindowState, tier: Tier) => void
  readonly refusedAlone: (policy: Policy) => void
  /** Whether an Authorization header carries the token; null: none is asked for. */
  readonly hasToken: ((authorization: string | undefined) => boolean) | null
}

/**
 * `POST /can_user_connect {"user_id": "42"}` → `{"allowed": true}`, for programs that ask before they serve.
 * Each question counts one call of that user, in the window that calls through the gateway count in
 * too; role and plan are not known here, so the quota is the policy's own.
 */
export async function checkRoutes(app: FastifyInstance, options: CheckOptions): Promise<void> {
  const { limiter, policy, limitHeaders, decided, refusedAlone, hasToken } = options
  const route: CountedRoute = { name: 'can_user_connect', service: null, policies: [policy], cost: 1 }
  // A form of another site can send text without asking; JSON it cannot.
  app.removeContentTypeParser('text/plain')

  app.addHook('onRequest', async ({ headers }, reply) => {
    if (hasToken === null || hasToken(headers.authorization)) return
    reply.header('www-authenticate', 'Bearer realm="guichet check"')
    throw new GatewayError('unauthenticated', {
      sentence: 'Send Authorization: Bearer <token>, the value of check.token.',
    })
  })

  app.post('/can_user_connect', async (request, reply) => {
    const accountId = readUserId(request.body)
    const asker: Asker = { ...nobody, address: request.socket.remoteAddress ?? '', accountId }
    const reading = windowsOf(route, asker)
    const windows = reading.kind === 'windows' ? reading.windows : []
    const decision = await limiter.decide({ session: null, windows, callId: request.id })
    if (!('windows' in decision)) {
      refusedAlone(policy)
      throw new GatewayError('store-unavailable', { retryAfterSeconds: 1 })
    }
    for (const window of decision.windows) decided(window, decision.tier)
    const headers = limitHeaders(decision.windows, decision.tier)
    if (headers !== null) reply.headers({ 'RateLimit-Policy': headers.policy, RateLimit: headers.limit })
    if (decision.kind === 'denied') reply.header('retry-after', String(wholeSeconds(decision.retryAfterMs)))
    reply.header('cache-control', 'no-store')
    return { allowed: decision.kind === 'allowed' }
  })
}

const nobody = { role: null, login: null, header: () => undefined }

/** @throws GatewayError 400 that says what to send */
function readUserId(body: unknown): string {
  const { user_id: id } = (body ?? {}) as { user_id?: unknown }
  const text = typeof id === 'number' && Number.isSafeInteger(id) ? String(id) : id
  if (typeof text === 'string' && /^[\w.@:-]{1,128}$/.test(text)) return text
  throw new GatewayError('invalid-body', {
    sentence: 'Send {"user_id": "42"}: 1 to 128 letters, digits and ._@:-, or a whole number.',
    members: { parameter: 'user_id' },
  })
}
