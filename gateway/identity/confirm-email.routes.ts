import type { FastifyInstance } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { AuthOptions } from './auth.routes.ts'
import { readEmailCode } from './bodies.ts'
import { confirmEmailChange } from './change-email.ts'
import { readCode } from './one-time-code.ts'
import { renderConfirmEmailPage } from './pages/confirm-email.ts'
import { requireSession, requireSessionOfForm } from './require-session.step.ts'
import {
  formLanguage,
  formOf,
  isForm,
  keepLanguage,
  languageOf,
  sendFormBack,
  sendPage,
  typedText,
} from './send-page.routes.ts'
import { shownAccount } from './send-tokens.routes.ts'

type Query = { Querystring: Record<string, unknown>; Body: unknown }

const path = '/auth/me/email'

/** `/auth/me/email`: the page that the mail leads to, and the code, for its form and for JSON alike. */
export async function confirmEmailRoutes(app: FastifyInstance, options: AuthOptions): Promise<void> {
  const { now = Date.now } = options
  const connected = requireSession(options)
  const connectedForm = requireSessionOfForm(options, path)

  app.get<Query>(path, async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    const { lang, code, notice } = request.query
    keepLanguage(reply, options.cookies, lang)
    const page = {
      language: languageOf(request, lang),
      code: readCode(typedText(code)) ?? '',
      wasSent: notice === 'sent',
      problem: null,
    }
    return sendPage(reply, 200, renderConfirmEmailPage(page))
  })

  app.post<Query>(path, async (request, reply) => {
    const visitor = await (isForm(request) ? connectedForm : connected)(request, reply)
    if (visitor === null) return reply
    const confirm = () => {
      const { code } = readEmailCode(request.body, isForm(request))
      return confirmEmailChange({ ...options, now }, visitor.account, code, formLanguage(request))
    }
    if (!isForm(request)) {
      const outcome = await confirm()
      if (outcome.kind === 'wrong') throw new GatewayError('invalid-code')
      return reply.send(shownAccount(outcome.account))
    }
    const code = typedText(formOf(request).code, 20)
    const page = { language: formLanguage(request), code, wasSent: false }
    try {
      const outcome = await confirm()
      if (outcome.kind === 'changed') return reply.redirect('/auth/account?notice=email', 303)
      return sendPage(reply, 400, renderConfirmEmailPage({ ...page, problem: outcome }))
    } catch (error) {
      return sendFormBack(request, reply, error, (problem) => renderConfirmEmailPage({ ...page, problem }))
    }
  })
}
