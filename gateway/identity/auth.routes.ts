import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import { type Language, pageStyle, pageStylePath } from '../page.ts'
import { accountRoutes } from './account.routes.ts'
import type { AccountLinks } from './account-links.ts'
import { accountPageRoutes } from './account-page.routes.ts'
import type { Accounts } from './accounts.ts'
import type { Codes } from './codes.ts'
import { confirmEmailRoutes } from './confirm-email.routes.ts'
import type { SessionCookies } from './cookies.ts'
import { isCrossSite } from './cross-site.ts'
import { deleteAccountRoutes } from './delete-account.routes.ts'
import { endSessionsFormRoutes } from './end-sessions-form.routes.ts'
import { loginRoutes } from './login.routes.ts'
import type { TakeLoginPlace } from './login-attempt.ts'
import type { LoginDelays } from './login-delays.ts'
import type { Mails } from './mails/mail.ts'
import type { OneTimeCodes } from './one-time-code.ts'
import { ownSessionsRoutes } from './own-sessions.routes.ts'
import type { PasswordHashing } from './password-hashing.ts'
import type { RefreshToken } from './refresh-token.ts'
import { registerRoutes } from './register.routes.ts'
import { resetRoutes } from './reset.routes.ts'
import { sessionRoutes } from './session.routes.ts'
import type { Sessions } from './sessions.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { Tokens } from './tokens.ts'

export interface AuthOptions {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly hashing: PasswordHashing
  readonly keys: Pick<SigningKeys, 'jwks'>
  readonly tokens: Tokens
  readonly cookies: SessionCookies
  /** The secret that follows a refresh token's, the same on every gateway. */
  readonly succeed: (token: RefreshToken) => string
  readonly codes: Codes
  readonly oneTimeCodes: OneTimeCodes
  readonly links: AccountLinks
  /** Null where none are sent: then nobody registers, and no forgotten password is replaced. */
  readonly mails: Mails | null
  readonly isRegistrationOpen: boolean
  readonly sessionLifetimeMs: number
  readonly idleLifetimeMs: number
  readonly refreshGraceMs: number
  readonly accessTokenLifetimeMs: number
  /** Rejects, usually with `quota-exceeded`, when no more logins are allowed. Writes the limits' headers. */
  readonly admitLogin: (email: string | null, address: string, reply: FastifyReply) => Promise<TakeLoginPlace>
  readonly loginDelays: LoginDelays
  /** An address as limits count it. */
  readonly networkOf: (address: string) => string
  /** One's windows, as a part of one's page; their room is another one. Expects `journey.caller`. */
  readonly drawQuota: (request: FastifyRequest, language: Language) => Promise<DrawnQuota>
  /** Told how each login ended. */
  readonly loggedIn?: (result: 'accepted' | 'refused' | 'limited' | 'failed') => void
  /** The least that a call takes that must not tell by its time who has an account. */
  readonly evenTimeMs?: number
  /** Epoch milliseconds; the system's clock by default. */
  readonly now?: () => number
}

/** HTML: what the head loads, and a section with headings from the second level on. */
export type DrawnQuota =
  | { readonly kind: 'section'; readonly head: string; readonly html: string }
  | { readonly kind: 'session-ended' }

const bodyLimit = 16_384

/** Everything under /auth, and the keys. Expects `request.journey`, with the client's address. */
export async function authRoutes(app: FastifyInstance, options: AuthOptions): Promise<void> {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit }, (request, body, done) => {
    // Clients that send their cookie only often announce JSON all the same.
    if (body === '') done(null, undefined)
    else parseJson(request, body as string, done)
  })
  await app.register(formbody, { bodyLimit })

  app.addHook('onRequest', refuseCrossSite)
  app.addHook('onRequest', forbidStoring)
  app.register(loginRoutes, options)
  app.register(sessionRoutes, options)
  app.register(ownSessionsRoutes, options)
  app.register(accountRoutes, options)
  app.register(confirmEmailRoutes, options)
  app.register(accountPageRoutes, options)
  app.register(endSessionsFormRoutes, options)
  app.register(deleteAccountRoutes, options)
  app.register(registerRoutes, options)
  app.register(resetRoutes, options)

  app.get(pageStylePath, async (_request, reply) =>
    reply.type('text/css; charset=utf-8').header('cache-control', 'public, max-age=600').send(pageStyle),
  )
  app.get('/.well-known/jwks.json', async (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send(options.keys.jwks),
  )
  // What nothing above answers: an app's page in this place would look like ours.
  for (const url of ['/auth', '/auth/*']) app.all(url, { onRequest: refuseUnknown }, async () => undefined)
}

/** Before a body is read, and whatever it is. */
async function refuseUnknown(): Promise<void> {
  throw new GatewayError('not-found')
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** With or without a cookie: a login that another site fills in would put the victim into its account. */
async function refuseCrossSite({ method, headers }: FastifyRequest): Promise<void> {
  if (!safeMethods.has(method) && isCrossSite(headers)) throw new GatewayError('cross-site')
}

async function forbidStoring(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
}
