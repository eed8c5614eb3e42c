import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import { invalidFields, sendAccepted, serveNothing } from './answer-by-mail.routes.ts'
import type { AuthOptions } from './auth.routes.ts'
import { readAddress, readPasswordReset } from './bodies.ts'
import { normaliseEmail } from './email.ts'
import { takeEvenTime } from './even-answers.ts'
import { forgotPassword } from './forgot-password.ts'
import { readCode } from './one-time-code.ts'
import { renderForgotPage } from './pages/forgot.ts'
import { renderResetPage } from './pages/reset.ts'
import { resetPassword } from './reset-password.ts'
import {
  emailInAddress,
  formLanguage,
  formOf,
  isForm,
  keepLanguage,
  languageOf,
  sendFormBack,
  sendPage,
  typedText,
  withQuery,
} from './send-page.routes.ts'

type Query = { Querystring: Record<string, unknown>; Body: unknown }

const paths = { forgot: '/auth/forgot', reset: '/auth/reset' }

/** A forgotten password, replaced by mail: the pages, and the calls for their forms and for JSON alike. */
export async function resetRoutes(app: FastifyInstance, options: AuthOptions): Promise<void> {
  const { mails, now = Date.now, evenTimeMs } = options
  if (mails === null) return serveNothing(app, Object.values(paths))
  const deps = { ...options, mails, now }

  app.get<Query>(paths.forgot, async (request, reply) => {
    const { lang, email } = request.query
    keepLanguage(reply, options.cookies, lang)
    const page = { language: languageOf(request, lang), email: emailInAddress(email), problem: null }
    return sendPage(reply, 200, renderForgotPage(page))
  })

  app.post<Query>(paths.forgot, async (request, reply) => {
    if (isForm(request)) return answerForgotForm(request, reply)
    const reading = await forgotCounted(request, reply)
    if (reading.kind === 'invalid') throw invalidFields({ email: `The e-mail ${reading.reason}.` })
    return sendAccepted(reply)
  })

  app.get<Query>(paths.reset, async (request, reply) => {
    const { lang, email, code } = request.query
    keepLanguage(reply, options.cookies, lang)
    const page = {
      language: languageOf(request, lang),
      email: emailInAddress(email),
      code: readCode(typedText(code)) ?? '',
      problem: null,
    }
    return sendPage(reply, 200, renderResetPage(page))
  })

  app.post<Query>(paths.reset, async (request, reply) => {
    if (isForm(request)) return answerResetForm(request, reply)
    const outcome = await resetCounted(request, reply)
    if (outcome.kind === 'invalid') throw invalidFields({ password: outcome.problem })
    if (outcome.kind === 'wrong') throw new GatewayError('invalid-code')
    return reply.code(204).send()
  })

  async function forgotCounted(request: FastifyRequest, reply: FastifyReply) {
    const reading = normaliseEmail(readAddress(request.body, isForm(request)).email)
    await options.admitLogin(null, request.journey.address, reply)
    if (reading.kind === 'email') {
      const language = formLanguage(request)
      await takeEvenTime(() => forgotPassword(deps, reading.email, language), evenTimeMs)
    }
    return reading
  }

  async function resetCounted(request: FastifyRequest, reply: FastifyReply) {
    const { email, code, password } = readPasswordReset(request.body, isForm(request))
    await options.admitLogin(null, request.journey.address, reply)
    const reset = { email, code, password, language: formLanguage(request) }
    return takeEvenTime(() => resetPassword(deps, reset), evenTimeMs)
  }

  async function answerForgotForm(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const page = { language: formLanguage(request), email: typedText(formOf(request).email) }
    try {
      const reading = await forgotCounted(request, reply)
      if (reading.kind === 'email') {
        return reply.redirect(withQuery(paths.reset, { email: reading.email }), 303)
      }
      return sendPage(reply, 400, renderForgotPage({ ...page, problem: { kind: 'address' } }))
    } catch (error) {
      return sendFormBack(request, reply, error, (problem) => renderForgotPage({ ...page, problem }))
    }
  }

  async function answerResetForm(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { email, code } = formOf(request)
    const page = { language: formLanguage(request), email: typedText(email), code: typedText(code, 20) }
    try {
      const outcome = await resetCounted(request, reply)
      if (outcome.kind === 'reset') {
        return reply.redirect(withQuery('/auth/login', { notice: 'password-changed' }), 303)
      }
      const problem = { kind: outcome.kind === 'wrong' ? 'wrong' : 'password' } as const
      return sendPage(reply, 400, renderResetPage({ ...page, problem }))
    } catch (error) {
      return sendFormBack(request, reply, error, (problem) => renderResetPage({ ...page, problem }))
    }
  }
}
