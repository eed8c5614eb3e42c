import type { IncomingMessage } from 'node:http'
import type { Journey } from '../../journey.ts'

/** What `consistent` keeps at one target. */
export type HashBy =
  | { readonly kind: 'user' }
  | { readonly kind: 'address' }
  /** Its name in lower case. */
  | { readonly kind: 'header'; readonly name: string }

/** Who asks, as balancing sees it; a request of the road is one. */
export interface Asker {
  readonly raw: Pick<IncomingMessage, 'headers'>
  readonly journey: Pick<Journey, 'caller' | 'address'>
}

/** The address stands in for a caller without a session and for a header that was not sent. */
export function hashKey(by: HashBy, { raw, journey }: Asker): string {
  const { caller, address } = journey
  if (by.kind === 'user' && caller.kind === 'connected') return `u:${caller.accountId}`
  if (by.kind === 'header' && raw.headers[by.name] !== undefined) return `h:${raw.headers[by.name]}`
  return `a:${address}`
}
