import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Eta } from 'eta'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RefusalCode } from '../refusal.ts'
import { visitorOf } from '../visitor.ts'
import { formatsOf } from './formats.ts'
import { isLanguage, type Language, languageOf, words } from './language.ts'

export interface PageOptions {
  loginUrl: string
  logoutUrl: string
  accountUrl: string
}

export interface Pages {
  stylesheet: string
  /** Sends page `name` (a template of this folder) in the visitor's language. */
  show(request: FastifyRequest, reply: FastifyReply, name: PageName, data?: object): FastifyReply
  refusal(request: FastifyRequest, reply: FastifyReply, code: RefusalCode): FastifyReply
}

export type PageName = 'home' | 'services' | 'vente' | 'achat' | 'refusal'

const folder = import.meta.dirname
const yearSeconds = 31_536_000

/** Templates are read once; a page is rendered with everything escaped unless the template says otherwise. */
export function preparePages(options: PageOptions): Pages {
  const eta = new Eta({ views: folder, cache: true, autoEscape: true, autoTrim: false })
  const stylesheet = readFileSync(`${folder}/site.css`, 'utf8')
  // A new stylesheet gets a new address, so that an old one may stay in caches.
  const version = createHash('sha256').update(stylesheet).digest('base64url').slice(0, 10)
  const policy = contentSecurityPolicy(options.logoutUrl)

  const show = (request: FastifyRequest, reply: FastifyReply, name: PageName, data: object = {}) => {
    const asked = (request.query as Record<string, unknown> | undefined)?.lang
    const { cookie, 'accept-language': acceptLanguage } = request.headers
    const lang = languageOf(asked, cookie, acceptLanguage)
    if (isLanguage(asked)) {
      reply.header('set-cookie', `lang=${asked}; Path=/; Max-Age=${yearSeconds}; SameSite=Lax; HttpOnly`)
    }
    const html = eta.render(`./${name}`, {
      ...options,
      lang,
      w: words[lang],
      format: formatsOf(lang),
      visitor: visitorOf(request.headers),
      stylesheetUrl: `/assets/site.css?v=${version}`,
      languageUrl: (other: Language) => languageUrl(request, other),
      ...data,
    })
    return reply
      .type('text/html; charset=utf-8')
      .header('content-language', lang)
      .header('cache-control', 'private, no-cache')
      .header('vary', 'Accept-Language, Cookie')
      .header('content-security-policy', policy)
      .header('referrer-policy', 'same-origin')
      .send(html)
  }
  const refusal: Pages['refusal'] = (request, reply, code) => show(request, reply, 'refusal', { code })
  return { stylesheet, show, refusal }
}

/** The page that is shown, in another language; what a form was posted to is no page, so its parent is. */
function languageUrl(request: FastifyRequest, lang: Language): string {
  if (request.method !== 'GET') return `/services?lang=${lang}`
  const [path = '/', search = ''] = request.url.split('?', 2)
  const query = new URLSearchParams(search)
  query.delete('done')
  query.set('lang', lang)
  // Two slashes would begin another site's address.
  return `${path.replace(/^[/\\]+/, '/')}?${query}`
}

/** No script at all; forms go home, or to where one logs out. */
function contentSecurityPolicy(logoutUrl: string): string {
  const elsewhere = URL.canParse(logoutUrl) ? ` ${new URL(logoutUrl).origin}` : ''
  return `default-src 'none'; style-src 'self'; img-src data:; form-action 'self'${elsewhere}; base-uri 'none'; frame-ancestors 'none'`
}
