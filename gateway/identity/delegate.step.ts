import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type {} from '../journey.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import type { AuthOptions } from './auth.routes.ts'
import { isCrossSite } from './cross-site.ts'
import { type DelegatedAnswer, type DelegateRules, readAnswer, typedAccount } from './delegate.ts'
import { delegatedAccount } from './delegated-account.ts'
import { normaliseEmail } from './email.ts'
import { endFormerSession } from './end-former-session.ts'
import { attempts, type LoginAttempt } from './login-attempt.ts'
import { type OpenSessionDependencies, openSession } from './open-session.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

/** The app behind us, asked with whole bodies. */
export interface DelegateUpstream<Answer extends DelegatedAnswer = DelegatedAnswer> {
  readBody(request: FastifyRequest): Promise<Buffer>
  ask(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<Answer>
  send(reply: FastifyReply, answer: Answer): FastifyReply
}

export interface DelegateOptions
  extends Omit<OpenSessionDependencies, 'accounts' | 'sessions' | 'tokens' | 'warn'>,
    Pick<AuthOptions, 'cookies' | 'admitLogin' | 'loginDelays' | 'networkOf' | 'loggedIn'> {
  readonly rules: DelegateRules
  readonly upstream: DelegateUpstream
  readonly accounts: Pick<Accounts, 'findByEmail' | 'findById' | 'create' | 'recordLogin'>
  readonly sessions: Pick<Sessions, 'open' | 'end'>
  readonly tokens: Pick<Tokens, 'issueAccessToken' | 'verifyAccessToken'>
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * After step 4, for an app that keeps its own login: the login and the logout pass to it as they are, and
 * what it answers opens or ends a session of ours beside its own.
 */
export function delegateLogin(options: DelegateOptions) {
  const { rules, upstream, cookies, loggedIn = () => undefined } = options
  const loginPath = rules.path.toLowerCase()
  const logoutPaths = new Set(rules.logout.map((path) => path.toLowerCase()))

  return function delegateLogin(request: FastifyRequest, reply: FastifyReply): Promise<unknown> | undefined {
    // As loosely as apps compare: else `/Login/` would be forwarded, and answered with what must not leave.
    const path = request.journey.path.replace(/(?<=.)\/+$/, '')
    // By any method that may carry a password: an app that reads them all would let them pass uncounted, and answer unredacted.
    const isLogin = request.method === rules.method || !safeMethods.has(request.method)
    if (path === loginPath && isLogin) return logIn(request, reply)
    if (logoutPaths.has(path) && request.journey.caller.kind === 'connected') return logOut(request, reply)
    return undefined
  }

  async function logIn(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { headers, journey } = request
    // With or without a cookie of ours: another site must not log the victim in under its own account.
    if (journey.route?.crossSite !== 'allow' && isCrossSite(headers)) throw new GatewayError('cross-site')
    const body = await upstream.readBody(request)
    let attempt: LoginAttempt | null = null
    try {
      attempt = await begin(request, reply, typedAccount(rules, headers['content-type'] ?? '', body))
      const answer = await upstream.ask(request, reply, body)
      return await answerLogin(request, reply, answer, attempt)
    } catch (error) {
      if (error instanceof GatewayError && error.status >= 500) await attempt?.dropped()
      loggedIn(resultOf(error))
      throw error
    }
  }

  function begin(request: FastifyRequest, reply: FastifyReply, typed: string | null): Promise<LoginAttempt> {
    const { address } = request.journey
    const beginAttempt = attempts({
      admit: (account) => options.admitLogin(account, address, reply),
      delays: options.loginDelays,
      network: options.networkOf(address),
    })
    return beginAttempt(typed === null ? null : foldedAccount(typed))
  }

  async function answerLogin(
    request: FastifyRequest,
    reply: FastifyReply,
    answer: DelegatedAnswer,
    attempt: LoginAttempt,
  ): Promise<FastifyReply> {
    const reading = readAnswer(rules, answer)
    if (reading.kind === 'unreadable') {
      const cause = new Error(
        'the answer of identity.delegate.path is packed, or is no JSON; it was withheld',
      )
      throw new GatewayError('upstream-broken', { cause })
    }
    const shown = { ...answer, headers: headersOf(answer, reading.body), body: reading.body }
    if (reading.kind !== 'logged-in') {
      if (reading.kind === 'unnamed') {
        request.log.warn(`the app accepted a login without ${rules.subject}: no session was opened`)
      }
      if (answer.status >= 500) await attempt.dropped()
      loggedIn(answer.status >= 500 ? 'failed' : 'refused')
      return upstream.send(reply, shown)
    }
    const account = await delegatedAccount(options.accounts, reading.person)
    // Its answer, and the session it may have opened, stay here.
    if (!account.isActive) throw new GatewayError('invalid-credentials')
    await attempt.succeeded(account.email)
    const warn = (problem: string, err: unknown): void => request.log.warn({ err }, problem)
    const whereabouts = { address: request.journey.address, userAgent: request.headers['user-agent'] }
    const { sessionId, ...tokens } = await openSession({ ...options, warn }, account, whereabouts)
    // Whoever disabled the account meanwhile ended the sessions there were: this one may have come after.
    if ((await askStore(options.accounts.findById(account.id)))?.isActive !== true) {
      await askStore(options.sessions.end(account.id, sessionId))
      throw new GatewayError('invalid-credentials')
    }
    await endFormerSession(options, request.headers.cookie, warn)
    loggedIn('accepted')
    reply.header('set-cookie', cookies.keep(tokens)).header('cache-control', 'no-store')
    return upstream.send(reply, shown)
  }

  async function logOut(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { caller } = request.journey
    const answer = await upstream.ask(request, reply, await upstream.readBody(request))
    if (answer.status < 400 && caller.kind === 'connected' && caller.sessionId !== null) {
      await askStore(options.sessions.end(caller.accountId, caller.sessionId))
      reply.header('set-cookie', cookies.forget())
    }
    return upstream.send(reply, answer)
  }
}

/** An app may look up the names that are no e-mails without regard to case, and guesses at one must count as at one. */
function foldedAccount(typed: string): string {
  const reading = normaliseEmail(typed)
  return reading.kind === 'email' ? reading.email : typed.slice(0, 254).normalize('NFKC').trim().toLowerCase()
}

function resultOf(error: unknown): 'limited' | 'refused' | 'failed' {
  if (!(error instanceof GatewayError)) return 'failed'
  if (error.status === 429) return 'limited'
  return error.code === 'invalid-credentials' ? 'refused' : 'failed'
}

/** Without those that describe the bytes as the app wrote them, when they have changed. */
function headersOf({ headers, body }: DelegatedAnswer, shown: Buffer): DelegatedAnswer['headers'] {
  if (shown === body) return headers
  const {
    etag: _,
    'content-md5': _1,
    digest: _2,
    'content-digest': _3,
    'repr-digest': _4,
    ...others
  } = headers
  return others
}
