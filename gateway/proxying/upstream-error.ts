import { GatewayError } from '../errors.ts'
import { ExchangeError, type Fault } from './exchange-error.ts'

/** Null when the fault was not the target's: the caller left, sent what cannot be sent, or we have no room. */
export function faultOf(error: unknown): Fault | null {
  const cause = causeOf(error)
  if (cause instanceof ExchangeError) return cause.fault
  const code = codeOf(cause)
  if (unreachableCodes.has(code) || tlsCode.test(code)) return 'unreachable'
  if (lostCodes.has(code)) return 'lost'
  return brokenCode.test(code) ? 'broken' : null
}

/**
 * What a failed exchange with an upstream means to the caller: 504 when it was too slow, 502
 * `upstream-unreachable` when nothing was sent, 503 when we had no room to send it, 502 `upstream-broken` when its answer was no HTTP. An
 * error of ours, such as a body over the limit, stays what it is.
 */
export function upstreamError(error: unknown): GatewayError {
  const cause = causeOf(error)
  if (cause instanceof GatewayError) return cause
  const fault = faultOf(cause)
  if (fault === 'slow') return new GatewayError('upstream-timeout', { cause })
  if (fault === 'unreachable') return new GatewayError('upstream-unreachable', { cause })
  if (noRoomCodes.has(codeOf(cause))) return new GatewayError('overloaded', { cause, retryAfterSeconds: 1 })
  return new GatewayError('upstream-broken', { cause })
}

const unreachableCodes = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ETIMEDOUT',
])

const tlsCode = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/

const lostCodes = new Set(['ECONNABORTED', 'ECONNRESET', 'EPIPE'])

const brokenCode = /^HPE_/

/** No file descriptor or port is left on this side: every target would fail alike. */
const noRoomCodes = new Set(['EADDRNOTAVAIL', 'EMFILE'])

const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause instanceof Error ? error.cause : error

/** An error of several attempts (IPv4 and IPv6) carries the code in its parts. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}
