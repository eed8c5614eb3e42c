/** Names of the gateway's cookies, none of which an app behind it gets to see. */
export interface CookieNames {
  readonly access: string
  readonly refresh: string
  /** Set for a moment when the login page renewed the access by itself, so that it cannot do so in a loop. */
  readonly resumed: string
}

/**
 * The prefixes make browsers refuse what a neighbour under the same domain plants: `__Host-` wants
 * Secure, Path=/ and no Domain; `__Secure-` wants Secure.
 */
export function cookieNames(isSecure: boolean): CookieNames {
  return isSecure
    ? {
        access: '__Host-guichet-access',
        refresh: '__Secure-guichet-refresh',
        resumed: '__Secure-guichet-resumed',
      }
    : { access: 'guichet_access', refresh: 'guichet_refresh', resumed: 'guichet_resumed' }
}

/** Every value of the cookie in a `Cookie` header; a browser may send one name twice. */
export function readCookies(header: string | undefined, name: string): string[] {
  if (header === undefined || !header.includes(name)) return []
  const values: string[] = []
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) values.push(pair.slice(at + 1).trim())
  }
  return values
}

export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string
}

export interface Lifetimes {
  readonly accessTokenLifetimeMs: number
  readonly sessionLifetimeMs: number
}

/** `Set-Cookie` values for a pair of tokens. The refresh token goes to `/auth` alone, so it travels rarely. */
export function keepSession(names: CookieNames, pair: TokenPair, lifetimes: Lifetimes): string[] {
  return [
    setCookie(names.access, pair.accessToken, '/', lifetimes.accessTokenLifetimeMs),
    setCookie(names.refresh, pair.refreshToken, '/auth', lifetimes.sessionLifetimeMs),
  ]
}

/** `Set-Cookie` values that make a browser forget the session. */
export function forgetSession(names: CookieNames): string[] {
  return [forgetAccess(names), setCookie(names.refresh, '', '/auth', 0)]
}

export function forgetAccess(names: CookieNames): string {
  return setCookie(names.access, '', '/', 0)
}

export function markResumed(names: CookieNames): string {
  return setCookie(names.resumed, '1', '/auth', 10_000)
}

/** Lax, not Strict: whoever follows a link from a mail is still logged in. */
function setCookie(name: string, value: string, path: string, lifetimeMs: number): string {
  const secure = name.startsWith('__') ? '; Secure' : ''
  return `${name}=${value}; Path=${path}; Max-Age=${Math.floor(lifetimeMs / 1000)}; HttpOnly; SameSite=Lax${secure}`
}
