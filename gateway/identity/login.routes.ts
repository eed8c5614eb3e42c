import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { AuthOptions } from './auth.routes.ts'
import { readLoginBody, readLoginForm } from './bodies.ts'
import { readCookies } from './cookies.ts'
import { mayResume } from './cross-site.ts'
import { endFormerSession } from './end-former-session.ts'
import { type Credentials, type LogInOutcome, logIn } from './log-in.ts'
import { attempts } from './login-attempt.ts'
import { isNavigation } from './navigation.ts'
import type { Whereabouts } from './open-session.ts'
import { ownPath } from './own-path.ts'
import { isLoginNotice, renderLoginPage } from './pages/login.ts'
import { refreshSession } from './refresh-session.ts'
import {
  formOf,
  isForm,
  keepLanguage,
  languageOf,
  sendFormBack,
  sendPage,
  typedText,
} from './send-page.routes.ts'
import { sendTokens } from './send-tokens.routes.ts'

/** `GET /auth/login`, the page, and `POST /auth/login`, for the page's form and for JSON alike. */
export async function loginRoutes(app: FastifyInstance, options: AuthOptions): Promise<void> {
  const { now = Date.now, cookies, loggedIn = () => undefined } = options
  const offers = {
    registration: options.mails !== null && options.isRegistrationOpen,
    newPassword: options.mails !== null,
  }

  app.get<{ Querystring: Record<string, unknown> }>('/auth/login', async (request, reply) => {
    const { lang, return_to, notice } = request.query
    keepLanguage(reply, cookies, lang)
    const returnTo = ownPath(return_to)
    if (await resume(request, reply)) return reply.redirect(returnTo ?? '/', 303)
    const page = { language: languageOf(request, lang), email: '', returnTo, offers, problem: null }
    return sendPage(reply, 200, renderLoginPage({ ...page, notice: isLoginNotice(notice) ? notice : null }))
  })

  app.post<{ Body: unknown }>('/auth/login', async (request, reply) => {
    if (isForm(request)) return answerForm(request, reply)
    const outcome = await logInCounted(request, reply, () => readLoginBody(request.body))
    if (outcome.kind === 'logged-in') return sendTokens(reply, options, outcome)
    reply.header('www-authenticate', 'Bearer realm="guichet"')
    throw new GatewayError('invalid-credentials')
  })

  async function answerForm(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const typed = formOf(request)
    const page = {
      language: languageOf(request, typed.lang),
      email: typedText(typed.email),
      returnTo: ownPath(typed.return_to),
      offers,
      notice: null,
    }
    try {
      const outcome = await logInCounted(request, reply, () => readLoginForm(request.body))
      if (outcome.kind === 'refused') {
        return sendPage(reply, 401, renderLoginPage({ ...page, problem: outcome }))
      }
      reply.header('set-cookie', cookies.keep(outcome))
      return reply.redirect(page.returnTo ?? '/', 303)
    } catch (error) {
      return sendFormBack(request, reply, error, (problem) => renderLoginPage({ ...page, problem }))
    }
  }

  /** Every attempt that had the fields of one is counted once, by how it ended. */
  async function logInCounted(
    request: FastifyRequest,
    reply: FastifyReply,
    readCredentials: () => Credentials,
  ): Promise<LogInOutcome> {
    const { email, password } = readCredentials()
    const { address } = request.journey
    const beginAttempt = attempts({
      admit: (account) => options.admitLogin(account, address, reply),
      delays: options.loginDelays,
      network: options.networkOf(address),
    })
    const warn = (problem: string, err: unknown): void => request.log.warn({ err }, problem)
    try {
      const outcome = await logIn(
        { ...options, now, warn, beginAttempt },
        { email, password },
        whereaboutsOf(request),
      )
      loggedIn(outcome.kind === 'logged-in' ? 'accepted' : 'refused')
      if (outcome.kind === 'logged-in') await endFormerSession(options, request.headers.cookie, warn)
      return outcome
    } catch (error) {
      loggedIn(error instanceof GatewayError && error.status === 429 ? 'limited' : 'failed')
      throw error
    }
  }

  /**
   * A browser whose access token ran out still holds its session: it gets a new pair and goes on
   * without being asked. The mark keeps two redirects from chasing each other.
   */
  async function resume(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const { headers, method } = request
    const [refreshToken] = readCookies(headers.cookie, cookies.names.refresh)
    const wasResumed = readCookies(headers.cookie, cookies.names.resumed).length > 0
    if (!refreshToken || wasResumed || !isNavigation(method, headers) || !mayResume(headers)) return false
    try {
      const outcome = await refreshSession({ ...options, now }, refreshToken, request.journey)
      if (outcome.kind === 'ended') {
        reply.header('set-cookie', cookies.forget())
        return false
      }
      reply.header('set-cookie', [...cookies.keep(outcome), cookies.markResumed()])
      return true
    } catch (err) {
      request.log.warn({ err }, 'a session could not be renewed; the login page is shown instead')
      return false
    }
  }
}

const whereaboutsOf = ({ journey, headers }: FastifyRequest): Whereabouts => ({
  address: journey.address,
  userAgent: headers['user-agent'],
})
