import type { FastifyInstance } from 'fastify'
import { accountPath, againPath } from './account-page.routes.ts'
import { askStore } from './ask-store.ts'
import { isSessionId, type OwnSessionsOptions } from './own-sessions.routes.ts'
import { requireSessionOfForm } from './require-session.step.ts'
import { formOf } from './send-page.routes.ts'

/** The buttons beside one's sessions: forms can only post. */
export async function endSessionsFormRoutes(
  app: FastifyInstance,
  options: OwnSessionsOptions,
): Promise<void> {
  const { sessions } = options
  const connected = requireSessionOfForm(options, againPath)

  app.post<{ Body: unknown }>(`${accountPath}/sessions/end`, async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    const { id } = formOf(request)
    // One that is gone by now has ended just as well.
    if (isSessionId(id)) await askStore(sessions.end(visitor.account.id, id))
    return reply.redirect(`${accountPath}?notice=session`, 303)
  })

  app.post<{ Body: unknown }>(`${accountPath}/sessions/end-others`, async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    await askStore(sessions.endAll(visitor.account.id, { except: visitor.caller.sessionId }))
    return reply.redirect(`${accountPath}?notice=sessions`, 303)
  })
}
