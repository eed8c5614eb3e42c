import type { FastifyInstance } from 'fastify'
import { accountPath, againPath } from './account-page.routes.ts'
import type { AuthOptions } from './auth.routes.ts'
import { readDeletionForm } from './bodies.ts'
import { renderDeleteAccountPage } from './pages/account/delete.ts'
import { proofAttemptsFrom } from './prove-password.ts'
import { removeOwnAccount } from './remove-own-account.ts'
import { requireSession, requireSessionOfForm } from './require-session.step.ts'
import { formLanguage, keepLanguage, languageOf, sendFormBack, sendPage } from './send-page.routes.ts'

type Query = { Querystring: Record<string, unknown>; Body: unknown }

const path = `${accountPath}/delete`

/** The page on which one deletes one's account, and its form. */
export async function deleteAccountRoutes(app: FastifyInstance, options: AuthOptions): Promise<void> {
  const { cookies } = options
  const connected = requireSession(options)
  const connectedForm = requireSessionOfForm(options, againPath)

  app.get<Query>(path, async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    const { lang } = request.query
    keepLanguage(reply, cookies, lang)
    const page = { language: languageOf(request, lang), email: visitor.account.email, problem: null }
    return sendPage(reply, 200, renderDeleteAccountPage(page))
  })

  app.post<Query>(path, async (request, reply) => {
    const visitor = await connectedForm(request, reply)
    if (visitor === null) return reply
    const { account } = visitor
    const page = { language: formLanguage(request), email: account.email }
    try {
      const { currentPassword } = readDeletionForm(request.body)
      const beginAttempt = proofAttemptsFrom(options, request.journey.address)
      const outcome = await removeOwnAccount({ ...options, beginAttempt }, account, currentPassword)
      if (outcome.kind === 'wrong' || outcome.kind === 'referenced') {
        const status = outcome.kind === 'wrong' ? 400 : 409
        return sendPage(reply, status, renderDeleteAccountPage({ ...page, problem: outcome }))
      }
      reply.header('set-cookie', cookies.forget())
      return reply.redirect('/auth/login?notice=deleted', 303)
    } catch (error) {
      return sendFormBack(request, reply, error, (problem) => renderDeleteAccountPage({ ...page, problem }))
    }
  })
}
