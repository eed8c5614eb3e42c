import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { scriptedPageSecurityPolicy } from '../page.ts'
import { tooManyCodes } from './account.routes.ts'
import { serveNothing } from './answer-by-mail.routes.ts'
import { askStore } from './ask-store.ts'
import type { AuthOptions } from './auth.routes.ts'
import { readEmailForm, readNamesForm, readPasswordForm } from './bodies.ts'
import { readAccountChanges } from './change-account.ts'
import { requestEmailChange } from './change-email.ts'
import { changePassword } from './change-password.ts'
import { identifyCaller, refuseUnauthenticated } from './identify-caller.step.ts'
import {
  type AccountPage,
  isAccountNotice,
  type OwnPart,
  renderAccountPage,
} from './pages/account/account.ts'
import type { FoldName, RefusedFold } from './pages/account/fold.ts'
import { proofAttemptsFrom } from './prove-password.ts'
import { type ConnectedVisitor, requireSession, requireSessionOfForm } from './require-session.step.ts'
import {
  formLanguage,
  formOf,
  keepLanguage,
  languageOf,
  readFormError,
  sendPage,
  typedText,
} from './send-page.routes.ts'

type Query = { Querystring: Record<string, unknown>; Body: unknown }

type FoldOutcome =
  | { readonly kind: 'done'; readonly path: string }
  | { readonly kind: 'refused'; readonly status: number; readonly problem: RefusedFold['problem'] }

export const accountPath = '/auth/account'
/** Where a form leads whose session had to be renewed first. */
export const againPath = `${accountPath}?notice=again`

const done = (path: string): FoldOutcome => ({ kind: 'done', path })
const refused = (...fields: string[]): FoldOutcome => ({
  kind: 'refused',
  status: 400,
  problem: { kind: 'fields', fields },
})

/** `GET /auth/account` and the forms on it. What they do is done by the same use cases as for JSON. */
export async function accountPageRoutes(app: FastifyInstance, options: AuthOptions): Promise<void> {
  const { accounts, sessions, mails, drawQuota, now = Date.now } = options
  const identify = identifyCaller(options)
  const refuse = refuseUnauthenticated(options)
  const connected = requireSession(options)
  const connectedForm = requireSessionOfForm(options, againPath)

  app.get<Query>(accountPath, async (request, reply) => {
    const { lang, notice } = request.query
    keepLanguage(reply, options.cookies, lang)
    const page = {
      language: languageOf(request, lang),
      notice: isAccountNotice(notice) ? notice : null,
    }
    await identify(request, reply)
    const { caller } = request.journey
    if (caller.kind === 'connected' && caller.sessionId === null) {
      return send(request, reply, 200, { ...page, own: null })
    }
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    return send(request, reply, 200, { ...page, own: await ownPart(visitor) })
  })

  answerFold('name', async (request, { account }) => {
    const reading = readAccountChanges(readNamesForm(request.body))
    if (reading.kind === 'invalid') return refused(...Object.keys(reading.problems))
    await askStore(accounts.update(account.id, reading.changes))
    return done(`${accountPath}?notice=name`)
  })

  if (mails === null) {
    serveNothing(app, [`${accountPath}/email`])
  } else {
    answerFold('email', async (request, { account }) => {
      const { currentPassword, ...typed } = readEmailForm(request.body)
      const reading = readAccountChanges(typed)
      if (reading.kind === 'invalid') return refused('email')
      const { email = account.email } = reading.changes
      if (email === account.email) return refused('email')
      const change = { account, email, currentPassword, language: formLanguage(request) }
      const outcome = await requestEmailChange({ ...depsOf(request), mails, now }, change)
      if (outcome.kind === 'wrong') return refused('currentPassword')
      if (outcome.kind === 'too-many') throw tooManyCodes()
      return done('/auth/me/email?notice=sent')
    })
  }

  answerFold('password', async (request, { account, caller: { sessionId } }) => {
    const typed = readPasswordForm(request.body)
    const change = { ...typed, account, sessionId, language: formLanguage(request) }
    const outcome = await changePassword(depsOf(request), change)
    if (outcome.kind === 'invalid') return refused('newPassword')
    if (outcome.kind === 'wrong') return refused('currentPassword')
    return done(`${accountPath}?notice=password`)
  })

  /** 303 when it was done, so that a reload sends nothing twice; else the page with what is wrong at its field. */
  function answerFold(
    form: FoldName,
    change: (request: FastifyRequest, visitor: ConnectedVisitor) => Promise<FoldOutcome>,
  ): void {
    // Whoever opens the address of a page that came back means the page.
    app.get(`${accountPath}/${form}`, async (_request, reply) => reply.redirect(accountPath, 303))
    app.post<Query>(`${accountPath}/${form}`, async (request, reply) => {
      const visitor = await connectedForm(request, reply)
      if (visitor === null) return reply
      const outcome = await change(request, visitor).catch(
        (error: unknown): FoldOutcome => ({ kind: 'refused', ...readFormError(request, reply, error) }),
      )
      if (outcome.kind === 'done') return reply.redirect(outcome.path, 303)
      const { status, problem } = outcome
      const own = await ownPart(visitor, { form, typed: typedIn(request), problem })
      return send(request, reply, status, { language: formLanguage(request), notice: null, own })
    })
  }

  async function ownPart(
    { account, caller }: ConnectedVisitor,
    refusedFold: RefusedFold | null = null,
  ): Promise<OwnPart> {
    const listed = await askStore(sessions.list(account.id))
    return {
      account,
      sessions: listed,
      currentId: caller.sessionId,
      sendsMails: mails !== null,
      refused: refusedFold,
    }
  }

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    page: Omit<AccountPage, 'quota'>,
  ): Promise<FastifyReply> {
    const quota = await drawQuota(request, page.language)
    if (quota.kind === 'session-ended') return refuse(request, reply)
    return sendPage(reply, status, renderAccountPage({ ...page, quota }), scriptedPageSecurityPolicy)
  }

  const depsOf = ({ journey }: FastifyRequest) => ({
    ...options,
    beginAttempt: proofAttemptsFrom(options, journey.address),
  })
}

/** What a form may show again. */
function typedIn(request: FastifyRequest): Record<string, string> {
  const { firstName, lastName, email } = formOf(request)
  return { firstName: typedText(firstName), lastName: typedText(lastName), email: typedText(email) }
}
