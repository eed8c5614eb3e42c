import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { AccountAdministration } from '../identity/account-administration.ts'
import type { AccountWithLastLogin } from '../identity/accounts.ts'
import type { TypedChanges } from '../identity/change-account.ts'
import type { FieldProblems } from '../identity/create-account.ts'
import type { ListedSession } from '../identity/sessions.ts'
import { readChanges, readNewAccount } from './account-bodies.ts'
import type { AuditAction } from './audit.ts'
import { type NotingOptions, noting } from './audit-note.ts'
import { optionalText, wholeNumber } from './query.ts'

export interface AccountsOptions extends NotingOptions {
  readonly administration: AccountAdministration
}

type AccountRequest = FastifyRequest<{ Params: { id: string } }>
type SessionRequest = FastifyRequest<{ Params: { id: string; sessionId: string } }>

/** Everybody's accounts and sessions: to find, create, change and remove. Each change leaves its entry first. */
export function accountsRoutes(app: FastifyInstance, options: AccountsOptions): void {
  const { administration } = options
  const noteChange = noting(options)

  const note = (request: FastifyRequest, action: AuditAction, subject: string, reason = ''): Promise<void> =>
    noteChange(request, { action, subject, policy: null, quota: null, forSeconds: null, reason })

  async function find(id: string): Promise<AccountWithLastLogin> {
    const found = await administration.find(id)
    if (found === null) throw unknownAccount()
    return found
  }

  app.get('/api/accounts', async ({ query }) => {
    const limit = wholeNumber(query, { name: 'limit', least: 1, most: 1_000, otherwise: 50 })
    const text = optionalText(query, 'search') ?? ''
    // One more than asked for tells whether there is a next page.
    const found = await administration.search({ text, afterId: readAfter(query), limit: limit + 1 })
    const page = found.slice(0, limit)
    const next = found.length > limit ? (page.at(-1)?.account.id ?? null) : null
    return { accounts: page.map(shownAccount), next }
  })

  app.post('/api/accounts', async (request, reply) => {
    const creation = await administration.create(readNewAccount(request.body), (email) =>
      note(request, 'create-account', `email:${email}`),
    )
    if (creation.kind === 'invalid') throw invalidFields(creation.problems)
    if (creation.kind === 'email-taken') throw emailTaken()
    const { account, password } = creation
    return reply
      .code(201)
      .header('location', `/api/accounts/${account.id}`)
      .send({
        ...shownAccount({ account, lastLoginAtMs: null }),
        ...(password !== null && { password }),
      })
  })

  app.get('/api/accounts/:id', async ({ params }: AccountRequest) => shownAccount(await find(params.id)))

  app.patch('/api/accounts/:id', async (request: AccountRequest) => {
    const { id } = request.params
    const typed = readChanges(request.body)
    const change = await administration.change(id, typed, () =>
      note(request, 'change-account', `u:${id}`, summaryOf(typed)),
    )
    if (change.kind === 'unknown') throw unknownAccount()
    if (change.kind === 'invalid') throw invalidFields(change.problems)
    if (change.kind === 'email-taken') throw emailTaken()
    return shownAccount(await find(id))
  })

  app.delete('/api/accounts/:id', async (request: AccountRequest, reply) => {
    const { id } = request.params
    await find(id)
    await note(request, 'delete-account', `u:${id}`)
    const removal = await administration.remove(id)
    if (removal.kind === 'unknown') throw unknownAccount()
    if (removal.kind === 'referenced') throw referenced()
    return reply.code(204).send()
  })

  app.get('/api/accounts/:id/sessions', async ({ params }: AccountRequest) => {
    await find(params.id)
    return { sessions: (await administration.sessions(params.id)).map(shownSession) }
  })

  app.delete('/api/accounts/:id/sessions/:sessionId', async (request: SessionRequest, reply) => {
    const { id, sessionId } = request.params
    await find(id)
    const sessions = await administration.sessions(id)
    if (!sessions.some((session) => session.sessionId === sessionId)) throw unknownSession()
    await note(request, 'end-sessions', `u:${id}`, 'one session')
    await administration.endSession(id, sessionId)
    return reply.code(204).send()
  })

  app.delete('/api/accounts/:id/sessions', async (request: AccountRequest) => {
    const { id } = request.params
    // Of an account that was deleted while its sessions could not be ended, too.
    if ((await administration.sessions(id)).length === 0) await find(id)
    await note(request, 'end-sessions', `u:${id}`, 'all sessions')
    return { ended: await administration.endSessions(id) }
  })
}

function readAfter(query: unknown): string {
  const after = optionalText(query, 'after') ?? '0'
  if (/^\d{1,19}$/.test(after)) return after
  throw new GatewayError('invalid-request', {
    sentence: 'after must be the id of an account. Send ?after= with what next said, or leave it out.',
    members: { parameter: 'after' },
  })
}

function shownAccount({ account, lastLoginAtMs }: AccountWithLastLogin) {
  const { id, firstName, lastName, email, role, plan, isActive } = account
  const lastLoginAt = lastLoginAtMs === null ? null : new Date(lastLoginAtMs).toISOString()
  return { id, firstName, lastName, email, role, plan, isActive, lastLoginAt }
}

function shownSession({ sessionId, device, address, ...times }: ListedSession) {
  return {
    id: sessionId,
    device,
    address,
    openedAt: new Date(times.openedAtMs).toISOString(),
    lastSeenAt: new Date(times.lastSeenAtMs).toISOString(),
    expiresAt: new Date(times.expiresAtMs).toISOString(),
  }
}

/** For the trail: what gives rights with its new value, what says who somebody is without. */
function summaryOf({ role, plan, isActive, ...others }: TypedChanges): string {
  const rights = Object.entries({ role, plan, isActive }).filter(([, value]) => value !== undefined)
  return [...Object.keys(others), ...rights.map(([name, value]) => `${name}: ${value ?? 'none'}`)].join(', ')
}

function invalidFields(problems: FieldProblems): GatewayError {
  return new GatewayError('invalid-body', {
    sentence: Object.values(problems).join(' '),
    members: { problems },
  })
}

const unknownAccount = (): GatewayError =>
  new GatewayError('not-found', { sentence: 'No account has this id. GET /api/accounts lists them.' })

const unknownSession = (): GatewayError =>
  new GatewayError('not-found', {
    sentence: 'The account has no such session, or it has ended. GET /api/accounts/ID/sessions lists them.',
  })

const emailTaken = (): GatewayError =>
  new GatewayError('conflict', {
    sentence:
      'Another account has this e-mail. Find it with GET /api/accounts?search=…, or send another one.',
  })

const referenced = (): GatewayError =>
  new GatewayError('conflict', {
    sentence:
      'Rows of the app refer to this account, in the same database. Delete them first, or disable the account ' +
      'with PATCH {"isActive": false}.',
  })
