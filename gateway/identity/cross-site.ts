import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a page of another site made the browser send this. `same-site` counts: a neighbour under the
 * same domain is not us. Clients that are no browsers send neither header, and carry nobody's cookies.
 */
export function isCrossSite(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  // Browsers leave Sec-Fetch-* out on plain http, where `Origin` has to do.
  return headers.origin !== undefined && hostOf(headers.origin) !== ownHost(headers)
}

/** The name in the address bar. `X-Forwarded-Host` is dropped on arrival unless a proxy of ours sent it. */
const ownHost = (headers: IncomingHttpHeaders): string | undefined => {
  const forwarded = headers['x-forwarded-host']
  return typeof forwarded === 'string' ? forwarded : headers.host
}

/**
 * Whether the login page may renew a session by itself: only when the way to it led over this site or
 * came from the person, so that no other site's link spends somebody's refresh token.
 */
export function mayResume(headers: IncomingHttpHeaders): boolean {
  if (headers['sec-purpose'] !== undefined) return false
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'same-site' || site === 'none'
  return headers.referer === undefined || hostOf(headers.referer) === ownHost(headers)
}

const hostOf = (url: string): string | undefined => URL.parse(url)?.host
