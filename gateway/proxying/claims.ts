/**
 * Request headers by which an app behind a gateway learns who calls, from where and for which
 * address. CGI, WSGI and PHP fold `_` and `.` into `-`, so every spelling counts as the same name.
 */
export function isClaim(name: string): boolean {
  switch (name.charCodeAt(0)) {
    case 0x78: // x
    case 0x66: // f
    case 0x72: // r
    case 0x74: // t
      return isFoldedClaim(name.includes('_') || name.includes('.') ? name.replace(/[_.]/g, '-') : name)
    default:
      return false
  }
}

const isFoldedClaim = (name: string): boolean =>
  claims.has(name) || claimPrefixes.some((prefix) => name.startsWith(prefix))

/** What a proxy of ours in front may set all the same: the way the request has come, never who sent it. */
export const isRouteClaim = (name: string): boolean => routeClaims.has(name)

const routeClaims = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-request-id',
  'traceparent',
  'tracestate',
])

const claimPrefixes = ['x-forwarded', 'x-guichet-', 'x-auth-request-', 'x-authenticated-']

const claims = new Set([
  ...routeClaims,
  'forwarded',
  'remote-user',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-host',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-original-uri',
  'x-original-host',
  'x-original-method',
  'x-real-ip',
  'x-remote-user',
  'x-rewrite-url',
  'x-user',
  'x-user-id',
  'x-user-email',
  'x-user-role',
])
