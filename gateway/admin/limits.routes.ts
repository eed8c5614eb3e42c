import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { NamedSubject, SubjectLimits } from '../limiting/subject-limits.ts'
import { longestReason } from './audit.ts'
import { type NotingOptions, noting, orAuditAway } from './audit-note.ts'
import { readBoost, readReason } from './limit-changes.ts'
import { optionalText, wholeNumber } from './query.ts'

export interface LimitsOptions extends NotingOptions {
  readonly limits: SubjectLimits
}

type SubjectRequest = FastifyRequest<{ Params: { subject: string } }>

/** Anybody's live limits, to look at and to change, and the trail of what was changed. */
export function limitsRoutes(app: FastifyInstance, options: LimitsOptions): void {
  const { limits, audit } = options
  const note = noting(options)

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
