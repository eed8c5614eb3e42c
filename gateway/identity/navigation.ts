import type { IncomingHttpHeaders } from 'node:http'

/** A person who follows a link: such a request is answered with a page, or sent to one. */
export function isNavigation(method: string, headers: IncomingHttpHeaders): boolean {
  if (method !== 'GET' || headers.authorization !== undefined) return false
  const mode = headers['sec-fetch-mode']
  return (headers.accept ?? '').includes('text/html') && (mode === undefined || mode === 'navigate')
}
