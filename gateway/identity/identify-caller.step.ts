import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import { readCookies, type SessionCookies } from './cookies.ts'
import { isNavigation } from './navigation.ts'
import { ownPath } from './own-path.ts'
import type { ConnectedCaller, Tokens, Verification } from './tokens.ts'

export interface IdentifyOptions {
  readonly tokens: Pick<Tokens, 'verifyAccessToken'>
  readonly cookies: SessionCookies
  /** False answers 401 to browsers too: a server in front asks for them, and knows what to do with it. */
  readonly sendsToLogin?: boolean
}

/** `no-token`: none was sent. `invalid-token`: one was, and it is wrong, expired, or of a session that has ended. */
export type RefusalReason = 'no-token' | 'invalid-token'

/**
 * Step 3: who is calling, from the signed token alone and without any I/O. On a public route a token
 * that is not valid leaves the caller anonymous; on a `connected` one it ends the journey.
 */
export function identifyCaller(options: IdentifyOptions) {
  const refuse = refuseUnauthenticated(options)

  function believe(reading: Reading, request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    if (typeof reading === 'object') request.journey.caller = reading
    else if (request.journey.route?.access === 'connected') return refuse(request, reply, reading)
    return undefined
  }

  return function identifyCaller(request: FastifyRequest, reply: FastifyReply) {
    const reading = readCaller(options, request)
    // Who was seen before, nearly everyone, costs no promise.
    if (!(reading instanceof Promise)) return believe(reading, request, reply)
    return reading.then((read) => believe(read, request, reply))
  }
}

/**
 * Ends a request that needs a session: a person who follows a link goes to the login page and comes back
 * afterwards; everyone else gets 401 with `WWW-Authenticate`. A cookie that is worth nothing is taken back.
 *
 * @throws GatewayError `unauthenticated`, unless the reply was sent
 */
export function refuseUnauthenticated({
  cookies,
  sendsToLogin = true,
}: Pick<IdentifyOptions, 'cookies' | 'sendsToLogin'>) {
  return function refuseUnauthenticated(
    request: FastifyRequest,
    reply: FastifyReply,
    reason: RefusalReason = 'invalid-token',
  ): FastifyReply {
    const { headers, method, raw } = request
    if (readCookies(headers.cookie, cookies.names.access).length > 0) {
      reply.header('set-cookie', cookies.forgetAccess())
    }
    if (sendsToLogin && isNavigation(method, headers)) {
      reply.header('cache-control', 'no-store')
      const returnTo = encodeURIComponent(ownPath(raw.url) ?? '/')
      return reply.redirect(`/auth/login?return_to=${returnTo}`, 303)
    }
    reply.header('www-authenticate', challenges[reason])
    throw new GatewayError('unauthenticated')
  }
}

// RFC 6750 §3.1: no error code for who has sent nothing.
const challenges: Readonly<Record<RefusalReason, string>> = {
  'no-token': 'Bearer realm="guichet"',
  'invalid-token': 'Bearer realm="guichet", error="invalid_token"',
}

type Reading = ConnectedCaller | RefusalReason

function readCaller(
  { tokens, cookies }: IdentifyOptions,
  request: FastifyRequest,
): Reading | Promise<Reading> {
  const bearer = readBearer(request)
  const held = readCookies(request.headers.cookie, cookies.names.access)
  if (bearer === null && held.length === 0) return 'no-token'
  if (bearer !== null && held.length === 0) return readWith(worthOf, tokens.verifyAccessToken(bearer))
  if (bearer === null && held.length === 1) {
    return readWith(worthOfCookie, tokens.verifyAccessToken(held[0] as string))
  }
  return oneIdentity(tokens, bearer, held)
}

type ReadVerification = (verification: Verification) => Reading

const readWith = (read: ReadVerification, verification: Verification | Promise<Verification>) =>
  verification instanceof Promise ? verification.then(read) : read(verification)

const worthOf: ReadVerification = (verification) =>
  verification.kind === 'valid' ? verification.caller : 'invalid-token'

/** Only what we have put there: with another issuer's token, planted, the victim would call in the planter's name. */
const worthOfCookie: ReadVerification = (verification) =>
  verification.kind === 'valid' && verification.caller.sessionId === null
    ? 'invalid-token'
    : worthOf(verification)

/** Several tokens at once may only say the same: else the app and we could each believe another one. */
async function oneIdentity(
  tokens: IdentifyOptions['tokens'],
  bearer: string | null,
  held: readonly string[],
): Promise<Reading> {
  const own = await Promise.all(held.map((raw) => readWith(worthOfCookie, tokens.verifyAccessToken(raw))))
  const sent = bearer === null ? null : await readWith(worthOf, tokens.verifyAccessToken(bearer))
  const readings = sent === null ? own : [sent, ...own]
  const callers = readings.filter((reading) => typeof reading === 'object')
  if (new Set(callers.map(({ accountId }) => accountId)).size > 1) {
    throw new GatewayError('ambiguous-credentials')
  }
  // A bearer was sent on purpose, so a valid cookie beside it does not make up for a wrong one.
  return sent ?? callers[0] ?? 'invalid-token'
}

/**
 * Until when the token of a caller without a session with us is believed, in epoch milliseconds; null for all others,
 * whose session says how long they may stay.
 */
export function tokenExpiry({ tokens }: Pick<IdentifyOptions, 'tokens'>) {
  return async function tokenExpiry(request: FastifyRequest): Promise<number | null> {
    const { caller } = request.journey
    if (caller.kind === 'anonymous' || caller.sessionId !== null) return null
    const verification = await tokens.verifyAccessToken(readBearer(request) ?? '')
    return verification.kind === 'valid' ? verification.expiresAtMs : 0
  }
}

const authorizationLength = 'authorization'.length

/** Null when there is no bearer token; another scheme belongs to the app. */
function readBearer({ headers, raw }: FastifyRequest): string | null {
  const { authorization } = headers
  if (authorization === undefined) return null
  // Node keeps the first of two and drops the rest; what the app behind us would see is anyone's guess.
  let lines = 0
  for (let i = 0; i < raw.rawHeaders.length; i += 2) {
    const name = raw.rawHeaders[i] as string
    if (name.length === authorizationLength && name.toLowerCase() === 'authorization') lines++
  }
  if (lines > 1) throw new GatewayError('ambiguous-credentials')
  if (authorization.slice(0, scheme.length).toLowerCase() !== scheme) return null
  let start = scheme.length
  while (authorization[start] === ' ') start++
  return authorization.slice(start)
}

const scheme = 'bearer '
