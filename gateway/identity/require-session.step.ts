import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { Account } from './account.ts'
import type { Accounts } from './accounts.ts'
import { askStore } from './ask-store.ts'
import { readCookies } from './cookies.ts'
import { type IdentifyOptions, identifyCaller, refuseUnauthenticated } from './identify-caller.step.ts'
import type { Sessions } from './sessions.ts'
import type { ConnectedCaller } from './tokens.ts'

/** Whoever holds a token of a live session, and their account as it is stored now. */
export interface ConnectedVisitor {
  readonly caller: ConnectedCaller & { readonly sessionId: string }
  readonly account: Account
}

export interface RequireSessionOptions extends IdentifyOptions {
  readonly sessions: Pick<Sessions, 'isAlive'>
  readonly accounts: Pick<Accounts, 'findById'>
}

/**
 * Who is calling an endpoint of our own that needs a session. The road's admission does not stand before
 * these, so both stores are asked here: a session that has ended and an account that was disabled or
 * deleted are refused while their token is still good by date, and so is a caller whom another issuer knows.
 *
 * The promise is null when the reply was sent: a person who follows a link goes to the login page.
 *
 * @throws GatewayError `unauthenticated`, `ambiguous-credentials`; `store-unavailable` when either store
 *   is away
 */
export function requireSession(options: RequireSessionOptions) {
  const { sessions, accounts, cookies } = options
  const identify = identifyCaller(options)
  const refuse = refuseUnauthenticated(options)

  return async function requireSession(
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<ConnectedVisitor | null> {
    await identify(request, reply)
    const { caller } = request.journey
    if (caller.kind === 'anonymous') {
      refuse(request, reply, hasSentToken(request) ? 'invalid-token' : 'no-token')
      return null
    }
    const { accountId, sessionId } = caller
    const isAlive = sessionId !== null && (await askStore(sessions.isAlive(accountId, sessionId)))
    const account = isAlive ? await askStore(accounts.findById(accountId)) : null
    if (account?.isActive && sessionId !== null) return { caller: { ...caller, sessionId }, account }
    refuse(request, reply)
    return null
  }

  function hasSentToken({ headers }: FastifyRequest): boolean {
    return headers.authorization !== undefined || readCookies(headers.cookie, cookies.names.access).length > 0
  }
}

/**
 * The same for a page's form. Whoever's session has ended since the page was loaded, or whose token has to be
 * renewed, is sent over the login page to `returnTo`: nobody can follow a 401.
 */
export function requireSessionOfForm(options: RequireSessionOptions, returnTo: string) {
  const connected = requireSession(options)
  return async function requireSessionOfForm(
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<ConnectedVisitor | null> {
    try {
      return await connected(request, reply)
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'unauthenticated') throw error
      reply.removeHeader('www-authenticate')
      reply.redirect(`/auth/login?return_to=${encodeURIComponent(returnTo)}`, 303)
      return null
    }
  }
}
