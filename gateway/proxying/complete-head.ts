import { addOurs, addVia } from './our-headers.ts'
import type { HeaderFields } from './send-http.ts'

export interface HeadOptions {
  /** Lets scripts of other origins read the limits, in an answer whose app lets them read it at all. */
  readonly exposeLimits: (headers: HeaderFields) => void
  readonly draining: { readonly isDraining: boolean }
}

/** Adds to an answer of the app, just heard or stored, what the gateway has to say to this caller. */
export type CompleteHead = (headers: HeaderFields, ours: Readonly<Record<string, unknown>>) => void

export function createHeadCompletion({ exposeLimits, draining }: HeadOptions): CompleteHead {
  return function completeHead(headers, ours) {
    addVia(headers, '1.1')
    addOurs(headers, ours)
    if (draining.isDraining) headers.connection = 'close'
    exposeLimits(headers)
  }
}
