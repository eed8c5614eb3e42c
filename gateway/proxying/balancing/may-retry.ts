import type { Fault } from '../exchange-error.ts'
import type { Failure, HttpRequest } from '../send-http.ts'

/** Whether a failed call may go to another target. */
export type RetryAdvice =
  | 'no'
  /** Nothing had left, so nobody has done anything twice. */
  | 'yes'
  /** It may have been done, and doing it again changes nothing; but it is one more call. */
  | 'within-budget'

/** RFC 9110 §9.2.2. */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/**
 * Only what failed on the way to or from the target, and before the client has heard anything. An answer
 * that is late is not asked for again: its caller has waited as long as the route allows.
 *
 * @param fault null: it was not the target's
 */
export function mayRetry(
  { wasSent, hasInformed }: Pick<Failure, 'wasSent' | 'hasInformed'>,
  { method, body }: Pick<HttpRequest, 'method' | 'body'>,
  fault: Fault | null,
): RetryAdvice {
  if (fault === null || hasInformed) return 'no'
  if (!wasSent) return 'yes'
  return fault === 'lost' && body === null && idempotent.has(method) ? 'within-budget' : 'no'
}
