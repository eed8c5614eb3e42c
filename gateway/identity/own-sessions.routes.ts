import type { FastifyInstance } from 'fastify'
import { GatewayError } from '../errors.ts'
import { askStore } from './ask-store.ts'
import type { SessionCookies } from './cookies.ts'
import { type RequireSessionOptions, requireSession } from './require-session.step.ts'
import type { ListedSession, Sessions } from './sessions.ts'

export interface OwnSessionsOptions extends RequireSessionOptions {
  readonly sessions: Pick<Sessions, 'isAlive' | 'list' | 'end' | 'endAll'>
  readonly cookies: SessionCookies
}

/** Where one is logged in: `GET /auth/sessions`, and `DELETE` of one of them or of all others. */
export async function ownSessionsRoutes(app: FastifyInstance, options: OwnSessionsOptions): Promise<void> {
  const { sessions, cookies } = options
  const connected = requireSession(options)

  app.get('/auth/sessions', async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    const { accountId, sessionId } = visitor.caller
    const listed = await askStore(sessions.list(accountId))
    return reply.send({ sessions: listed.map((session) => shownSession(session, sessionId)) })
  })

  app.delete('/auth/sessions', async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    const { accountId, sessionId } = visitor.caller
    await askStore(sessions.endAll(accountId, { except: sessionId }))
    return reply.code(204).send()
  })

  app.delete<{ Params: { id: string } }>('/auth/sessions/:id', async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    const { id } = request.params
    const { accountId, sessionId } = visitor.caller
    const hasEnded = isSessionId(id) && (await askStore(sessions.end(accountId, id)))
    if (!hasEnded) {
      throw new GatewayError('not-found', {
        sentence: 'You have no such session. GET /auth/sessions lists yours.',
      })
    }
    if (id === sessionId) reply.header('set-cookie', cookies.forget())
    return reply.code(204).send()
  })
}

export const isSessionId = (text: unknown): text is string =>
  typeof text === 'string' && /^[\w-]{24}$/.test(text)

function shownSession({ sessionId, device, address, ...times }: ListedSession, currentId: string) {
  return {
    id: sessionId,
    device,
    address,
    openedAt: new Date(times.openedAtMs).toISOString(),
    lastSeenAt: new Date(times.lastSeenAtMs).toISOString(),
    expiresAt: new Date(times.expiresAtMs).toISOString(),
    isCurrent: sessionId === currentId,
  }
}
