import { maskUrl } from '../mask.ts'
import type { Finding, Path } from '../problem.ts'

/** An http or https URL of scheme, host and port only. */
export function checkOrigin(url: string, path: Path): Finding[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const value = JSON.stringify(maskUrl(url))
  if (!parsed || !/^https?:\/\//i.test(url)) {
    return [
      { path, value, message: 'not an http or https URL', cure: 'write http://HOST:PORT or https://HOST' },
    ]
  }
  if (parsed.username || parsed.password) {
    return [
      { path, value, message: 'a URL with a user name or password', cure: 'remove what stands before the @' },
    ]
  }
  if (parsed.pathname !== '/' || parsed.search || parsed.hash) {
    return [
      { path, value, message: 'a URL with more than scheme, host and port', cure: `write ${parsed.origin}` },
    ]
  }
  return []
}
