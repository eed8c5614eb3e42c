import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { countdownScriptPath } from '../error-page.ts'
import { isLanguage, languageCookie, pickLanguage, scriptedPageSecurityPolicy } from '../page.ts'
import { accountScriptPath, accountStylePath, renderAccountPage } from './pages/account.ts'
import { type QuotaOptions, quotaRequestOf, storeAway } from './quota.routes.ts'
import { readQuota } from './read-quota.ts'

const script = 'text/javascript; charset=utf-8'
const files = [
  { path: accountScriptPath, file: 'account.js', type: script },
  { path: accountStylePath, file: 'account.css', type: 'text/css; charset=utf-8' },
  { path: countdownScriptPath, file: 'countdown.js', type: script },
]

/** `GET /auth/account`: one's windows as a page, live where scripts run. It needs a session. */
export async function accountPageRoutes(app: FastifyInstance, options: QuotaOptions): Promise<void> {
  const { limiter, identify, refuseDeadSession, routes } = options

  app.get<{ Querystring: { lang?: unknown } }>(
    '/auth/account',
    { onRequest: identify },
    async (request, reply) => {
      // A browser whose session was only not renewed for a while comes back from the login page by itself.
      if (request.journey.caller.kind === 'anonymous') return refuseDeadSession(request, reply)
      const reading = await readQuota(limiter, quotaRequestOf(request, routes))
      if (reading.kind === 'session-ended') return refuseDeadSession(request, reply)
      if (reading.kind === 'store-away') throw storeAway(reading.closed)
      const { headers, query } = request
      if (isLanguage(query.lang)) {
        reply.header('set-cookie', `${languageCookie}=${query.lang}; Path=/; Max-Age=31536000; SameSite=Lax`)
      }
      const language = pickLanguage({
        query: query.lang,
        cookie: headers.cookie,
        acceptLanguage: headers['accept-language'],
      })
      return reply
        .type('text/html; charset=utf-8')
        .headers({
          'cache-control': 'no-store',
          'content-security-policy': scriptedPageSecurityPolicy,
          'referrer-policy': 'same-origin',
          'x-content-type-options': 'nosniff',
          vary: 'Accept-Language, Cookie',
        })
        .send(renderAccountPage(language, reading.state))
    },
  )

  for (const { path, file, type } of files) {
    const content = readFileSync(new URL(`./pages/${file}`, import.meta.url))
    app.get(path, (_request, reply) =>
      reply
        .type(type)
        .headers({ 'cache-control': 'public, max-age=600', 'x-content-type-options': 'nosniff' })
        .send(content),
    )
  }
}
