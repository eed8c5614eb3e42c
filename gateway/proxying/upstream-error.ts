import { GatewayError } from '../errors.ts'

/**
 * What a failed exchange with an upstream means to the caller: 504 when it was too slow, 502
 * `upstream-unreachable` when nothing was sent, 502 `upstream-broken` when its answer was no HTTP. An
 * error of ours, such as a body over the limit, stays what it is.
 */
export function upstreamError(error: unknown): GatewayError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof GatewayError) return cause
  const code = codeOf(cause)
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new GatewayError('upstream-timeout', { cause })
  }
  if (unreachableCodes.has(code) || tlsCode.test(code))
    return new GatewayError('upstream-unreachable', { cause })
  return new GatewayError('upstream-broken', { cause })
}

const unreachableCodes = new Set([
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EMFILE',
  'ENETUNREACH',
  'ENOTFOUND',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])

const tlsCode = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/

/** An error of several attempts (IPv4 and IPv6) carries the code in its parts. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}
