import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import { isLanguage, type Language, pageSecurityPolicy, pickLanguage } from '../page.ts'
import type { SessionCookies } from './cookies.ts'
import { normaliseEmail } from './email.ts'
import type { FormProblem } from './pages/form.ts'

/** A page, without a script unless its policy says otherwise, which nobody keeps, frames or is told about elsewhere. */
export function sendPage(
  reply: FastifyReply,
  status: number,
  html: string,
  securityPolicy = pageSecurityPolicy,
): FastifyReply {
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .header('content-security-policy', securityPolicy)
    .header('referrer-policy', 'same-origin')
    .header('x-content-type-options', 'nosniff')
    .header('vary', 'Accept-Language, Cookie')
    .send(html)
}

export const isForm = ({ headers }: FastifyRequest): boolean =>
  /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '')

/** @param chosen the `lang` of the address or of the form, which wins */
export const languageOf = ({ headers }: FastifyRequest, chosen: unknown): Language =>
  pickLanguage({ query: chosen, cookie: headers.cookie, acceptLanguage: headers['accept-language'] })

/** Remembers a language that was chosen by a link. */
export function keepLanguage(reply: FastifyReply, cookies: SessionCookies, chosen: unknown): void {
  if (isLanguage(chosen)) reply.header('set-cookie', cookies.keepLanguage(chosen))
}

/**
 * The page that comes back when a form could not be answered, with the status and the Retry-After that a
 * program would have got.
 *
 * @throws the error itself when a page cannot help with it
 */
export function sendFormBack(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  render: (problem: FormProblem) => string,
): FastifyReply {
  const { status, problem } = readFormError(request, reply, error)
  return sendPage(reply, status, render(problem))
}

/**
 * What a form's page says of an error; the log and Retry-After are told here.
 *
 * @throws the error itself when a page cannot help with it
 */
export function readFormError(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): { readonly status: number; readonly problem: FormProblem } {
  const problem = formProblemOf(error)
  if (problem === null || !(error instanceof GatewayError)) throw error
  if (error.status >= 500) request.log.error({ err: error.details.cause ?? error }, error.message)
  const { retryAfterSeconds } = error.details
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  return { status: error.status, problem }
}

/** Null for what the form cannot help with. */
function formProblemOf(error: unknown): FormProblem | null {
  if (!(error instanceof GatewayError)) return null
  switch (error.status) {
    case 429:
      return { kind: 'limited', retryAfterSeconds: error.details.retryAfterSeconds ?? 1 }
    case 503:
      return { kind: 'unavailable' }
    case 400:
      return { kind: 'incomplete' }
    default:
      return null
  }
}

/** A text that may be shown again; nothing else, and no more than a field takes. */
export const typedText = (value: unknown, longest = 254): string =>
  typeof value === 'string' && value.isWellFormed() ? value.slice(0, longest) : ''

/** The e-mail that an address names, or empty: a link from anywhere must not put other words on our pages. */
export function emailInAddress(value: unknown): string {
  const reading = normaliseEmail(typedText(value))
  return reading.kind === 'email' ? reading.email : ''
}

/** The fields of a posted form, unread. */
export const formOf = ({ body }: FastifyRequest): Record<string, unknown> =>
  (body ?? {}) as Record<string, unknown>

/** Of a form the language it was shown in, of anything else what the reader prefers. */
export const formLanguage = (request: FastifyRequest): Language =>
  languageOf(request, isForm(request) ? formOf(request).lang : undefined)

/** A path of ours with what is not null in its query. */
export function withQuery(path: string, query: Readonly<Record<string, string | null>>): string {
  const said = Object.entries(query).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))
  return said.length === 0 ? path : `${path}?${new URLSearchParams(said)}`
}
