import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { renderErrorPage } from './error-page.ts'
import { type ErrorCode, errorTable, GatewayError } from './errors.ts'
import { pickLanguage, scriptedPageSecurityPolicy } from './page.ts'

/** RFC 9457, with the members every problem of ours has. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly requestId: string
  readonly retryAfterSeconds?: number
}

/** The IANA registry names some of our problems; the others carry a URN of their own. */
const registered: Partial<Record<ErrorCode, string>> = {
  'quota-exceeded': 'quota-exceeded',
  'abnormal-usage': 'abnormal-usage-detected',
  'store-unavailable': 'temporary-reduced-capacity',
  overloaded: 'temporary-reduced-capacity',
}

function problemType(code: ErrorCode): string {
  const name = registered[code]
  return name === undefined
    ? `urn:guichet:problem:${code}`
    : `https://iana.org/assignments/http-problem-types#${name}`
}

export function problemOf({ code, details, message, status }: GatewayError, requestId: string): Problem {
  const { retryAfterSeconds } = details
  return {
    type: problemType(code),
    title: errorTable[code].title,
    status,
    detail: message,
    code,
    requestId,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...details.members,
  }
}

/**
 * The one place where an error becomes a response: problem+json, a page for a browser's navigation,
 * or text for who asks for text alone.
 */
export function replyWithError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = asGatewayError(thrown)
  if (error.status >= 500) {
    request.log.error(
      { requestId: request.id, code: error.code, err: error.details.cause ?? error },
      error.message,
    )
  }
  const { retryAfterSeconds } = error.details
  reply.code(error.status).header('cache-control', 'no-store')
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  // A body that was not read leaves the connection in the middle of a message; a request that two
  // readers could take differently leaves doubt about what follows.
  if (!request.raw.complete || error.code === 'invalid-request') reply.header('connection', 'close')

  const problem = problemOf(error, request.id)
  switch (wantedForm(request)) {
    case 'page': {
      const language = pickLanguage({
        query: null,
        cookie: request.headers.cookie,
        acceptLanguage: request.headers['accept-language'],
      })
      return void reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', scriptedPageSecurityPolicy)
        .send(renderErrorPage(problem, language))
    }
    case 'text':
      return void reply.type('text/plain; charset=utf-8').send(`${problem.title}. ${problem.detail}\n`)
    case 'problem':
      return void reply.type('application/problem+json').send(JSON.stringify(problem))
  }
}

function wantedForm({ headers }: FastifyRequest): 'page' | 'text' | 'problem' {
  const accept = headers.accept ?? ''
  const mode = headers['sec-fetch-mode']
  if (accept.includes('text/html') && (mode === undefined || mode === 'navigate')) return 'page'
  if (accept.includes('text/plain') && !accept.includes('json') && !accept.includes('*/*')) return 'text'
  return 'problem'
}

/** Errors of Fastify itself, and of code that failed, in the words of our table. */
function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  const { code = '', statusCode = 500, message = '' } = (thrown ?? {}) as Partial<FastifyError>
  const known = fastifyCodes[code]
  if (known !== undefined) return new GatewayError(known, { cause: thrown })
  if (thrown instanceof Error && 'validation' in thrown) {
    return new GatewayError('invalid-body', { sentence: `The request does not fit: ${message}.` })
  }
  if (statusCode >= 400 && statusCode < 500) return new GatewayError('invalid-request', { cause: thrown })
  return new GatewayError('internal-error', { cause: thrown })
}

const fastifyCodes: Record<string, ErrorCode> = {
  FST_ERR_BAD_URL: 'ambiguous-path',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-body',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_NOT_FOUND: 'not-found',
}
