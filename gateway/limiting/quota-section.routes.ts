import { readFileSync } from 'node:fs'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { countdownScriptPath } from '../error-page.ts'
import type { Language } from '../page.ts'
import { quotaScriptPath, quotaStylePath, renderQuota } from './pages/quota.ts'
import { type QuotaOptions, quotaRequestOf, storeAway } from './quota.routes.ts'
import { readQuota } from './read-quota.ts'

/** One's windows as a part of a page. `head` loads their style and the script that keeps them true. */
export type QuotaSection =
  | { readonly kind: 'section'; readonly head: string; readonly html: string }
  | { readonly kind: 'session-ended' }

/**
 * Draws the windows of whoever calls, with headings from the second level on; counts nothing. Expects `journey.caller`.
 *
 * @throws GatewayError `store-unavailable`, where a policy says `closed`
 */
export function drawQuota({ limiter, routes }: Pick<QuotaOptions, 'limiter' | 'routes'>) {
  return async function drawQuota(request: FastifyRequest, language: Language): Promise<QuotaSection> {
    const reading = await readQuota(limiter, quotaRequestOf(request, routes))
    if (reading.kind === 'store-away') throw storeAway(reading.closed)
    return reading.kind === 'state' ? { kind: 'section', ...renderQuota(language, reading.state) } : reading
  }
}

const script = 'text/javascript; charset=utf-8'
const files = [
  { path: quotaScriptPath, file: 'quota.js', type: script },
  { path: quotaStylePath, file: 'quota.css', type: 'text/css; charset=utf-8' },
  { path: countdownScriptPath, file: 'countdown.js', type: script },
]

/** What pages with quotas on them load. */
export async function quotaFileRoutes(app: FastifyInstance): Promise<void> {
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
