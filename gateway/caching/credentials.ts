import type { IncomingHttpHeaders } from 'node:http'
import type { Caller } from '../identity/account.ts'

/**
 * Whose answers may be stored for a request, and to whom they may be given again:
 * `anyone` who calls without credentials, `caller` one account, `nobody`: only what is public may be.
 */
export type Circle =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'caller'; readonly accountId: string }
  | { readonly kind: 'nobody' }

/**
 * The cache stands behind identity and sees a request as the app does: our own session is gone, and
 * the caller is known. Cookies and an Authorization of the app's own are credentials that nobody here can judge.
 *
 * @param ownCookies names of the gateway's cookies
 */
export function circleOf(
  headers: IncomingHttpHeaders,
  caller: Caller,
  ownCookies: readonly string[],
): Circle {
  if (hasForeignCookie(headers.cookie, ownCookies) || hasForeignAuthorization(headers, caller))
    return { kind: 'nobody' }
  return caller.kind === 'anonymous' ? { kind: 'anyone' } : { kind: 'caller', accountId: caller.accountId }
}

function hasForeignCookie(cookie: string | undefined, ownCookies: readonly string[]): boolean {
  if (cookie === undefined) return false
  return cookie.split(';').some((pair) => {
    const name = (pair.split('=', 1)[0] as string).trim()
    return pair.trim() !== '' && !ownCookies.includes(name)
  })
}

const hasForeignAuthorization = ({ authorization }: IncomingHttpHeaders, { kind }: Caller): boolean =>
  authorization !== undefined && !(kind === 'connected' && /^bearer /i.test(authorization))
