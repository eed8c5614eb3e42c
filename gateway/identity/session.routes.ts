import type { FastifyInstance } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { AuthOptions } from './auth.routes.ts'
import { readRefreshBody } from './bodies.ts'
import { readCookies } from './cookies.ts'
import { logOut } from './log-out.ts'
import { refreshSession } from './refresh-session.ts'
import { requireSession } from './require-session.step.ts'
import { sendTokens, shownAccount } from './send-tokens.routes.ts'

/** A session after its login: `POST /auth/refresh`, `POST /auth/logout`, `GET /auth/me`. */
export async function sessionRoutes(app: FastifyInstance, options: AuthOptions): Promise<void> {
  const { cookies, now = Date.now } = options
  const { names } = cookies
  const connected = requireSession(options)

  app.post<{ Body: unknown }>('/auth/refresh', async (request, reply) => {
    const sent = readRefreshBody(request.body) ?? readCookies(request.headers.cookie, names.refresh)[0]
    const outcome = await refreshSession({ ...options, now }, sent ?? '', request.journey)
    if (outcome.kind === 'refreshed') return sendTokens(reply, options, outcome)
    reply.header('set-cookie', cookies.forget()).header('www-authenticate', 'Bearer realm="guichet"')
    throw new GatewayError('unauthenticated', { sentence: 'This session has ended. Log in again.' })
  })

  app.post<{ Body: unknown }>('/auth/logout', async (request, reply) => {
    const { cookie, authorization, 'content-type': type } = request.headers
    const isForm = type?.startsWith('application/x-www-form-urlencoded') === true
    const bearer = /^bearer +(.*)$/i.exec(authorization ?? '')?.[1]
    const sent = isForm ? null : readRefreshBody(request.body)
    await logOut(options, {
      accessTokens: [...(bearer === undefined ? [] : [bearer]), ...readCookies(cookie, names.access)],
      refreshTokens: [...(sent === null ? [] : [sent]), ...readCookies(cookie, names.refresh)],
    })
    reply.header('set-cookie', cookies.forget())
    return isForm ? reply.redirect('/', 303) : reply.code(204).send()
  })

  app.get('/auth/me', async (request, reply) => {
    const visitor = await connected(request, reply)
    return visitor === null ? reply : reply.send(shownAccount(visitor.account))
  })
}
