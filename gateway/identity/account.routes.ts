import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { Account } from './account.ts'
import { invalidFields } from './answer-by-mail.routes.ts'
import { askStore } from './ask-store.ts'
import type { AuthOptions } from './auth.routes.ts'
import { readCurrentPassword, readOwnChanges, readPasswordChange } from './bodies.ts'
import { readAccountChanges } from './change-account.ts'
import { requestEmailChange } from './change-email.ts'
import { changePassword } from './change-password.ts'
import { proofAttemptsFrom } from './prove-password.ts'
import { removeOwnAccount } from './remove-own-account.ts'
import { requireSession } from './require-session.step.ts'
import { formLanguage } from './send-page.routes.ts'
import { shownAccount } from './send-tokens.routes.ts'

/** One's own account: `PATCH` and `DELETE /auth/me`, `POST /auth/password`. */
export async function accountRoutes(app: FastifyInstance, options: AuthOptions): Promise<void> {
  const { accounts, cookies, now = Date.now } = options
  const connected = requireSession(options)

  app.patch<{ Body: unknown }>('/auth/me', async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    const { currentPassword, ...typed } = readOwnChanges(request.body)
    if (Object.keys(typed).length === 0) {
      throw new GatewayError('invalid-body', {
        sentence: 'Nothing to change. Send firstName, lastName or email.',
      })
    }
    const reading = readAccountChanges(typed)
    if (reading.kind === 'invalid') throw invalidFields(reading.problems)
    const { email, ...names } = reading.changes
    const pendingEmail = email === visitor.account.email ? undefined : email
    // First, since it may be refused: nothing is changed by halves.
    if (pendingEmail !== undefined) {
      await mailCode(request, reply, { ...visitor, email: pendingEmail, currentPassword })
    }
    const update = await askStore(accounts.update(visitor.account.id, names))
    if (update.kind !== 'updated') throw new GatewayError('unauthenticated')
    const shown = shownAccount(update.account)
    return pendingEmail === undefined ? reply.send(shown) : reply.code(202).send({ ...shown, pendingEmail })
  })

  app.post<{ Body: unknown }>('/auth/password', async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    const { account, caller } = visitor
    const outcome = await changePassword(depsOf(request), {
      account,
      sessionId: caller.sessionId,
      ...readPasswordChange(request.body),
      language: formLanguage(request),
    })
    if (outcome.kind === 'invalid') throw invalidPassword(outcome.problem)
    if (outcome.kind === 'wrong') throw wrongPassword(reply)
    return reply.code(204).send()
  })

  app.delete<{ Body: unknown }>('/auth/me', async (request, reply) => {
    const visitor = await connected(request, reply)
    if (visitor === null) return reply
    const { currentPassword } = readCurrentPassword(request.body)
    const removal = await removeOwnAccount(depsOf(request), visitor.account, currentPassword)
    if (removal.kind === 'wrong') throw wrongPassword(reply)
    if (removal.kind === 'referenced') throw stillReferenced()
    reply.header('set-cookie', cookies.forget())
    return reply.code(204).send()
  })

  async function mailCode(
    request: FastifyRequest,
    reply: FastifyReply,
    change: { account: Account; email: string; currentPassword: string | undefined },
  ): Promise<void> {
    const { mails } = options
    if (mails === null) throw noMails()
    const { currentPassword } = change
    if (currentPassword === undefined) {
      throw new GatewayError('invalid-body', {
        sentence: 'A new e-mail needs the current password. Send it as currentPassword.',
      })
    }
    const outcome = await requestEmailChange(
      { ...depsOf(request), mails, now },
      { ...change, currentPassword, language: formLanguage(request) },
    )
    if (outcome.kind === 'wrong') throw wrongPassword(reply)
    if (outcome.kind === 'too-many') throw tooManyCodes()
  }

  const depsOf = ({ journey }: FastifyRequest) => ({
    ...options,
    beginAttempt: proofAttemptsFrom(options, journey.address),
  })
}

const invalidPassword = (problem: string): GatewayError =>
  new GatewayError('invalid-body', { sentence: problem, members: { problems: { newPassword: problem } } })

function wrongPassword(reply: FastifyReply): GatewayError {
  // RFC 9110 §15.5.2 wants a challenge; without an error code, since the token is good.
  reply.header('www-authenticate', 'Bearer realm="guichet"')
  return new GatewayError('invalid-credentials', {
    sentence: 'The current password is another one. Check it and try again, or reset it if it is forgotten.',
  })
}

export const tooManyCodes = (): GatewayError =>
  new GatewayError('too-many-attempts', {
    sentence:
      'Five codes have been mailed for this account within an hour. Use the last one, or try again later.',
    retryAfterSeconds: 3600,
  })

const noMails = (): GatewayError =>
  new GatewayError('conflict', {
    sentence:
      'This gateway sends no mails, so no new address can be confirmed. Ask its operator, who can change the e-mail.',
  })

const stillReferenced = (): GatewayError =>
  new GatewayError('conflict', {
    sentence: 'The app still has records of this account, so it cannot be deleted. Ask its operator.',
  })
