import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import { activate, resendActivation } from './activate.ts'
import { invalidFields, sendAccepted, serveNothing } from './answer-by-mail.routes.ts'
import type { AuthOptions } from './auth.routes.ts'
import { readActivation, readAddress, readRegistration } from './bodies.ts'
import { normaliseEmail } from './email.ts'
import { takeEvenTime } from './even-answers.ts'
import { readCode } from './one-time-code.ts'
import { ownPath } from './own-path.ts'
import { type ActivatePage, renderActivatePage } from './pages/activate.ts'
import { type RegisterField, type RegisterPage, renderRegisterPage } from './pages/register.ts'
import { register } from './register.ts'
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

const paths = { register: '/auth/register', activate: '/auth/activate', resend: '/auth/activate/resend' }

/** Registration by mail: the pages, and the calls for their forms and for JSON alike. */
export async function registerRoutes(app: FastifyInstance, options: AuthOptions): Promise<void> {
  const { mails, isRegistrationOpen, now = Date.now, evenTimeMs } = options
  if (mails === null || !isRegistrationOpen) return serveNothing(app, Object.values(paths))
  const deps = { ...options, mails, now }

  app.get<Query>(paths.register, async (request, reply) => {
    const { lang, return_to } = request.query
    keepLanguage(reply, options.cookies, lang)
    const typed = { firstName: '', lastName: '', email: '' }
    const page = { language: languageOf(request, lang), typed, returnTo: ownPath(return_to), problem: null }
    return sendPage(reply, 200, renderRegisterPage(page))
  })

  app.post<Query>(paths.register, async (request, reply) => {
    if (isForm(request)) return answerRegistrationForm(request, reply)
    const outcome = await registerCounted(request, reply)
    if (outcome.kind === 'invalid') throw invalidFields(outcome.problems)
    return sendAccepted(reply)
  })

  app.get<Query>(paths.activate, async (request, reply) => {
    const { lang, email, code, return_to, notice } = request.query
    keepLanguage(reply, options.cookies, lang)
    const page: ActivatePage = {
      language: languageOf(request, lang),
      email: emailInAddress(email),
      code: readCode(typedText(code)) ?? '',
      returnTo: ownPath(return_to),
      wasSent: notice === 'sent',
      problem: null,
    }
    return sendPage(reply, 200, renderActivatePage(page))
  })

  app.post<Query>(paths.activate, async (request, reply) => {
    if (isForm(request)) return answerActivationForm(request, reply)
    const outcome = await activateCounted(request, reply)
    if (outcome.kind === 'wrong') throw new GatewayError('invalid-code')
    return reply.code(204).send()
  })

  app.post<Query>(paths.resend, async (request, reply) => {
    if (isForm(request)) return answerResendForm(request, reply)
    const reading = await resendCounted(request, reply)
    if (reading.kind === 'invalid') throw invalidFields({ email: `The e-mail ${reading.reason}.` })
    return sendAccepted(reply)
  })

  async function registerCounted(request: FastifyRequest, reply: FastifyReply) {
    const registration = readRegistration(request.body, isForm(request))
    await options.admitLogin(null, request.journey.address, reply)
    const language = formLanguage(request)
    return takeEvenTime(() => register(deps, { ...registration, language }), evenTimeMs)
  }

  async function activateCounted(request: FastifyRequest, reply: FastifyReply) {
    const { email, code } = readActivation(request.body, isForm(request))
    await options.admitLogin(null, request.journey.address, reply)
    return takeEvenTime(() => activate(deps, { email, code }), evenTimeMs)
  }

  async function resendCounted(request: FastifyRequest, reply: FastifyReply) {
    const reading = normaliseEmail(readAddress(request.body, isForm(request)).email)
    await options.admitLogin(null, request.journey.address, reply)
    if (reading.kind === 'email') {
      const language = formLanguage(request)
      await takeEvenTime(() => resendActivation(deps, reading.email, language), evenTimeMs)
    }
    return reading
  }

  async function answerRegistrationForm(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const form = formOf(request)
    const page: Omit<RegisterPage, 'problem'> = {
      language: formLanguage(request),
      typed: {
        firstName: typedText(form.firstName),
        lastName: typedText(form.lastName),
        email: typedText(form.email),
      },
      returnTo: ownPath(form.return_to),
    }
    try {
      const outcome = await registerCounted(request, reply)
      if (outcome.kind === 'accepted') return toActivation(reply, outcome.email, page.returnTo)
      const fields = Object.keys(outcome.problems) as RegisterField[]
      return sendPage(reply, 400, renderRegisterPage({ ...page, problem: { kind: 'fields', fields } }))
    } catch (error) {
      return sendFormBack(request, reply, error, (problem) => renderRegisterPage({ ...page, problem }))
    }
  }

  async function answerActivationForm(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const page = activationPageOf(request)
    try {
      const outcome = await activateCounted(request, reply)
      if (outcome.kind === 'wrong')
        return sendPage(reply, 400, renderActivatePage({ ...page, problem: outcome }))
      return reply.redirect(withQuery('/auth/login', { notice: 'activated', return_to: page.returnTo }), 303)
    } catch (error) {
      return sendFormBack(request, reply, error, (problem) => renderActivatePage({ ...page, problem }))
    }
  }

  async function answerResendForm(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const page = activationPageOf(request)
    try {
      const reading = await resendCounted(request, reply)
      if (reading.kind === 'email') return toActivation(reply, reading.email, page.returnTo, 'sent')
      return sendPage(reply, 400, renderActivatePage({ ...page, problem: { kind: 'address' } }))
    } catch (error) {
      return sendFormBack(request, reply, error, (problem) => renderActivatePage({ ...page, problem }))
    }
  }
}

function activationPageOf(request: FastifyRequest): Omit<ActivatePage, 'problem'> {
  const { email, code, return_to } = formOf(request)
  return {
    language: formLanguage(request),
    email: typedText(email),
    code: typedText(code, 20),
    returnTo: ownPath(return_to),
    wasSent: false,
  }
}

function toActivation(
  reply: FastifyReply,
  email: string,
  returnTo: string | null,
  notice: 'sent' | null = null,
): FastifyReply {
  return reply.redirect(withQuery(paths.activate, { email, notice, return_to: returnTo }), 303)
}
