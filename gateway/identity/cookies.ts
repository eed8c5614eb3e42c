import { type Language, languageCookies } from '../page.ts'

/** Names of the gateway's cookies, none of which an app behind it gets to see. */
export interface CookieNames {
  readonly access: string
  readonly refresh: string
  /** Set for a moment when the login page renewed the access by itself, so that it cannot do so in a loop. */
  readonly resumed: string
  /** The language that a person chose for our pages. */
  readonly language: string
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
        language: languageCookies.secure,
      }
    : {
        access: 'guichet_access',
        refresh: 'guichet_refresh',
        resumed: 'guichet_resumed',
        language: languageCookies.plain,
      }
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

export interface SessionCookies {
  readonly names: CookieNames
  /** `Set-Cookie` values for a new pair of tokens. */
  keep(pair: { readonly accessToken: string; readonly refreshToken: string }): string[]
  /** `Set-Cookie` values that make a browser forget the session. */
  forget(): string[]
  forgetAccess(): string
  markResumed(): string
  /** A `Set-Cookie` value, for a year. */
  keepLanguage(language: Language): string
}

export interface SessionCookiesOptions {
  /** False only for a demo over plain http: the cookies then lose `Secure` and their prefixes. */
  readonly isSecure: boolean
  readonly accessLifetimeMs: number
  readonly sessionLifetimeMs: number
}

/** Lax, not Strict: whoever follows a link from a mail is still logged in. */
export function createSessionCookies(options: SessionCookiesOptions): SessionCookies {
  const names = cookieNames(options.isSecure)
  const attributes = `HttpOnly; SameSite=Lax${options.isSecure ? '; Secure' : ''}`
  const cookie = (name: string, value: string, path: string, lifetimeMs: number): string =>
    `${name}=${value}; Path=${path}; Max-Age=${Math.floor(lifetimeMs / 1000)}; ${attributes}`
  return {
    names,
    keep: ({ accessToken, refreshToken }) => [
      cookie(names.access, accessToken, '/', options.accessLifetimeMs),
      // Sent to the login alone, so that it crosses the network rarely.
      cookie(names.refresh, refreshToken, '/auth', options.sessionLifetimeMs),
    ],
    forget: () => [cookie(names.access, '', '/', 0), cookie(names.refresh, '', '/auth', 0)],
    forgetAccess: () => cookie(names.access, '', '/', 0),
    markResumed: () => cookie(names.resumed, '1', '/auth', 10_000),
    keepLanguage: (language) => cookie(names.language, language, '/', 31_536_000_000),
  }
}
