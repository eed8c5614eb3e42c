import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ArticlesUnavailable } from './articles.ts'
import type { Pages } from './pages/render-page.ts'
import { Refusal, refusals } from './refusal.ts'

/** Turns whatever was thrown into the one refusal that the caller may see. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof ArticlesUnavailable) return new Refusal('unavailable')
  const { statusCode = 500, validation, message } = error as Partial<FastifyError>
  if (validation !== undefined) return new Refusal('invalid-request', message)
  if (statusCode === 413) return new Refusal('too-large')
  if (statusCode === 415) return new Refusal('unsupported-media')
  if (statusCode >= 400 && statusCode < 500) return new Refusal('invalid-request', message)
  return new Refusal('internal-error')
}

/** Answers with problem+json (RFC 9457) below /api, with a page elsewhere; what went wrong on our side is logged. */
export function refuse(
  pages: Pages,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { code, detail } = refusalOf(error)
  const { status } = refusals[code]
  if (status >= 500) request.log.error({ err: error }, 'request failed')
  reply.code(status)
  // Each 401 names a scheme (RFC 9110 §15.5.2); ours is the header that the gateway in front sets.
  if (status === 401) reply.header('www-authenticate', 'Forwarded-User realm="EtuServices"')
  if (status === 503) reply.header('retry-after', '5')
  if (!request.url.startsWith('/api/')) return pages.refusal(request, reply, code)
  const title = code.replaceAll('-', ' ').replace(/^./, (first) => first.toUpperCase())
  return reply
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title, status, code, detail }))
}
