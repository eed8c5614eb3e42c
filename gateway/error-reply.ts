import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { renderErrorPage } from './error-page.ts'
import { type ErrorCode, errorTable, GatewayError, type Refusal } from './errors.ts'
import { pickLanguage, scriptedPageSecurityPolicy } from './page.ts'
import { problemOf, problemText } from './problem.ts'

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
  reply.code(error.status).header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
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
      // To a JSON text Fastify would add a charset, which RFC 8259 does not know; bytes would take a second write.
      return void reply.type('application/problem+json').serializer(asItIs).send(JSON.stringify(problem))
  }
}

/**
 * The same answer for what most refusals are, a problem for a client that is no page of another origin, but written
 * past Fastify's reply: its ways for errors and payloads cost as much as all the rest of a denial. Nor is there an
 * Error, which nobody would catch.
 *
 * @param isExposing whether scripts of other origins may read answers
 * @returns a function that sends the refusal, or throws it to go the long way
 */
export function createRefusal(isExposing: boolean, draining: { readonly isDraining: boolean }) {
  return function refuse(refusal: Refusal, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { raw } = request
    const { code, details } = refusal
    const { status } = errorTable[code]
    const isPlain = raw.complete && raw.httpVersionMajor === 1 && status < 500
    if (!isPlain || isExposing || draining.isDraining || wantedForm(request) !== 'problem')
      throw new GatewayError(code, details)
    const body = problemText(refusal, request.id)
    const headers: OutgoingHttpHeaders = {
      ...(reply.code(status).getHeaders() as OutgoingHttpHeaders),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
    }
    if (details.retryAfterSeconds !== undefined) headers['retry-after'] = String(details.retryAfterSeconds)
    reply.hijack()
    reply.raw.writeHead(status, headers)
    reply.raw.end(request.method === 'HEAD' ? undefined : body)
    return reply
  }
}

const asItIs = (text: string): string => text

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
