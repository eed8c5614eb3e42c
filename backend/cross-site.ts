import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a browser sent this write from another site's page, riding on the visitor's session. Clients that are no
 * browser send neither header and pass.
 */
export function isCrossSiteWrite(method: string, headers: IncomingHttpHeaders): boolean {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return false
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'cross-site'
  // Browsers leave Sec-Fetch-Site out over plain HTTP to anything but localhost; they still send Origin.
  const { origin } = headers
  if (origin === undefined) return false
  if (!URL.canParse(origin)) return true
  const { host } = new URL(origin)
  return host !== headers.host && host !== headers['x-forwarded-host']
}
