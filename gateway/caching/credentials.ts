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
 * Cookies and an Authorization of the app's own, as a part of a key; empty without any. The cache stands behind identity
 * and sees a request as the app does: our own session is gone, and what is left nobody here can judge.
 *
 * @param ownCookies names of the gateway's cookies
 */
export function foreignCredentials(
  { cookie, authorization }: IncomingHttpHeaders,
  caller: Caller,
  ownCookies: readonly string[],
): string {
  const cookies = cookie === undefined ? '' : withoutOwn(cookie, ownCookies)
  const isOurs = caller.kind === 'connected' && /^bearer /i.test(authorization ?? '')
  return (
    (cookies === '' ? '' : `\ncookie:${cookies}`) +
    (authorization === undefined || isOurs ? '' : `\nauthorization:${authorization}`)
  )
}

const withoutOwn = (cookie: string, ownCookies: readonly string[]): string =>
  cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !ownCookies.includes((pair.split('=', 1)[0] as string).trim()))
    .join('; ')

/** @param foreign as `foreignCredentials` tells */
export function circleOf(caller: Caller, foreign: string): Circle {
  if (foreign !== '') return { kind: 'nobody' }
  return caller.kind === 'anonymous' ? { kind: 'anyone' } : { kind: 'caller', accountId: caller.accountId }
}
