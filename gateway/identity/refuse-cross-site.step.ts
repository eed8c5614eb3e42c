import type { FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type {} from '../journey.ts'
import { isCrossSite } from './cross-site.ts'

export interface RefuseCrossSiteOptions {
  /** Origins whose pages may call with the cookies of ours that a browser adds. */
  readonly trustedOrigins: readonly string[]
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * After step 3. Refuses a call that a page of another site made a browser send under our session cookie, unless it can only
 * read. A WebSocket handshake counts as unsafe: it is a GET, and nothing else stops a page from opening one.
 * A bearer token was put there on purpose; a call without our session is the app's own affair.
 */
export function refuseCrossSiteCalls({ trustedOrigins }: RefuseCrossSiteOptions) {
  const trusted = new Set(trustedOrigins)

  /**
   * Expects `journey.route` and `journey.caller`.
   *
   * @param method of the call that is judged; at /decide it is not the request's own
   * @throws GatewayError `cross-site`
   */
  return function refuseCrossSite({ headers, journey }: FastifyRequest, method: string): void {
    if (safeMethods.has(method) && headers.upgrade === undefined) return
    const { caller, route } = journey
    if (caller.kind === 'anonymous' || route?.crossSite === 'allow') return
    if (/^bearer /i.test(headers.authorization ?? '')) return
    if (!isCrossSite(headers) || trusted.has(headers.origin ?? '')) return
    throw new GatewayError('cross-site')
  }
}
