import { GatewayError } from '../errors.ts'

export interface BoostRequest {
  readonly policy: string
  readonly quota: number
  readonly forSeconds: number
  readonly reason: string
}

const mostQuota = 1_000_000_000
const mostSeconds = 400 * 86_400

/**
 * Reads `{policy, quota, forSeconds, reason}`.
 *
 * @throws GatewayError 400 that says what to send instead
 */
export function readBoost(body: unknown, longestReason: number): BoostRequest {
  const { policy, quota, forSeconds, reason } = (body ?? {}) as Record<string, unknown>
  if (typeof policy !== 'string' || policy === '') throw invalid('policy', 'the name of a policy, as text')
  if (!isWhole(quota, mostQuota)) throw invalid('quota', `a whole number from 1 to ${mostQuota}`)
  if (!isWhole(forSeconds, mostSeconds)) {
    throw invalid('forSeconds', `a whole number of seconds from 1 to ${mostSeconds} (400 days)`)
  }
  const read = readReason(reason ?? '', longestReason)
  if (read === '') throw invalid('reason', 'a text that tells why; it is kept in the audit trail')
  return { policy, quota, forSeconds, reason: read }
}

/** @throws GatewayError 400 for what is no text, or too long a one */
export function readReason(reason: unknown, longest: number): string {
  const text = typeof reason === 'string' ? reason.trim() : null
  if (text !== null && text.length <= longest) return text
  throw invalid('reason', `one text of at most ${longest} characters`)
}

const isWhole = (value: unknown, most: number): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most

const invalid = (parameter: string, expected: string): GatewayError =>
  new GatewayError('invalid-body', {
    sentence: `${parameter} must be ${expected}. Send {policy, quota, forSeconds, reason}.`,
    members: { parameter },
  })
