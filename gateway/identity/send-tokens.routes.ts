import type { FastifyReply } from 'fastify'
import type { Account } from './account.ts'
import type { SessionCookies } from './cookies.ts'
import type { SessionTokens } from './open-session.ts'

export interface SendTokensOptions {
  readonly cookies: SessionCookies
  readonly accessTokenLifetimeMs: number
}

/** The answer to a login and to a refresh: the pair in the body and, for browsers, in cookies. */
export function sendTokens(
  reply: FastifyReply,
  options: SendTokensOptions,
  tokens: SessionTokens,
): FastifyReply {
  const { account, accessToken, refreshToken } = tokens
  reply.header('set-cookie', options.cookies.keep(tokens))
  return reply.send({
    accessToken,
    expiresInSeconds: Math.floor(options.accessTokenLifetimeMs / 1000),
    refreshToken,
    account: shownAccount(account),
  })
}

/** What an account's owner sees of it. */
export function shownAccount({ id, firstName, lastName, email, role }: Account) {
  return { id, firstName, lastName, email, role }
}
