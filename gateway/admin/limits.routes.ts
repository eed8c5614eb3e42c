import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { NamedSubject, SubjectLimits } from '../limiting/subject-limits.ts'
import { type AuditEntry, type AuditTrail, longestReason } from './audit.ts'
import { readBoost, readReason } from './limit-changes.ts'
import { optionalText, wholeNumber } from './query.ts'

export interface LimitsOptions {
  readonly limits: SubjectLimits
  readonly audit: AuditTrail
  /** For the log: what was done and by whom. */
  readonly changed: (entry: Omit<AuditEntry, 'atMs'>) => void
}

type SubjectRequest = FastifyRequest<{ Params: { subject: string } }>

/** Anybody's live limits, to look at and to change, and the trail of what was changed. */
export function limitsRoutes(app: FastifyInstance, { limits, audit, changed }: LimitsOptions): void {
  /** Written first: there is no change without an entry, though an entry's change may have failed. */
  async function note(
    request: FastifyRequest,
    what: Pick<AuditEntry, 'action' | 'subject' | 'policy' | 'quota' | 'forSeconds' | 'reason'>,
  ): Promise<void> {
    const via = request.headers['user-agent']?.startsWith('guichet-cli') ? 'CLI' : 'admin API'
    const entry = { via, peer: request.socket.remoteAddress ?? '', ...what } as const
    await orAuditAway(audit.record({ atMs: Date.now(), ...entry }))
    changed(entry)
  }

  const shown = async (named: NamedSubject): Promise<object> => ({
    ...named,
    policies: await limits.show(named),
  })

  app.get('/api/limits/:subject', async ({ params }: SubjectRequest) =>
    shown(await limits.find(params.subject)),
  )

  app.delete('/api/limits/:subject', async (request: SubjectRequest) => {
    const named = await limits.find(request.params.subject)
    const policy = optionalText(request.query, 'policy') ?? null
    const reason = readReason((request.query as { reason?: unknown }).reason ?? '', longestReason)
    if (policy !== null) limits.check(named, policy)
    const { subject } = named
    await note(request, { action: 'reset', subject, policy, quota: null, forSeconds: null, reason })
    const reset = await limits.reset(named, policy)
    return { ...(await shown(named)), reset }
  })

  app.put('/api/limits/:subject/boost', async (request: SubjectRequest) => {
    const boost = readBoost(request.body, longestReason)
    const named = await limits.find(request.params.subject)
    limits.check(named, boost.policy)
    await note(request, { action: 'boost', subject: named.subject, ...boost })
    const boosted = await limits.boost(named, boost.policy, boost.quota, boost.forSeconds * 1000)
    return { ...(await shown(named)), boosted }
  })

  app.get('/api/audit', async ({ query }) => {
    const most = wholeNumber(query, { name: 'limit', least: 1, most: 1_000, otherwise: 50 })
    const entries = await orAuditAway(audit.recent(most))
    return entries.map(({ atMs, ...entry }) => ({ at: new Date(atMs).toISOString(), ...entry }))
  })
}

async function orAuditAway<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new GatewayError('store-unavailable', {
      sentence:
        'The audit trail does not answer, and nothing is changed without it. Try again when the database of ' +
        'accounts is back; /readyz tells.',
      retryAfterSeconds: 2,
      cause,
    })
  }
}
