import { type CookieNames, readCookies } from './cookies.ts'
import { type LogOutDependencies, logOut } from './log-out.ts'

export interface EndFormerSessionDependencies extends LogOutDependencies {
  readonly cookies: { readonly names: CookieNames }
}

/**
 * Ends the session whose cookies a browser brought to its login: they are replaced, so that nobody but a thief
 * could use it from then on (OWASP ASVS 5, 7.2.4). The login is good all the same when that fails.
 *
 * @param cookie the `Cookie` header
 */
export async function endFormerSession(
  { cookies: { names }, ...deps }: EndFormerSessionDependencies,
  cookie: string | undefined,
  warn: (problem: string, cause: unknown) => void,
): Promise<void> {
  const [accessTokens, refreshTokens] = [
    readCookies(cookie, names.access),
    readCookies(cookie, names.refresh),
  ]
  try {
    await logOut(deps, { accessTokens, refreshTokens })
  } catch (cause) {
    warn('the session from before a login was not ended', cause)
  }
}
