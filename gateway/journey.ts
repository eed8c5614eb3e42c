import type {} from 'fastify'
import type { CacheTurn } from './caching/turn.ts'
import type { Caller } from './identity/account.ts'
import type { Decision } from './limiting/decision.ts'
import type { AnswerFilter } from './proxying/send-http.ts'
import type { Route } from './routing/route.ts'

/** What the steps have learned about one request so far. It is the only thing they share. */
export interface Journey {
  readonly requestId: string
  /** `performance.now()` when the request's headers had arrived. */
  readonly startedAtMs: number
  /** The path as routes are matched: decoded once, lower case, without the query. */
  path: string
  /** The client's address, IPv4-mapped IPv6 written as IPv4. */
  address: string
  route: Route | null
  caller: Caller
  decision: Decision | null
  /** Places the app says the call has cost, when a policy reads that header. */
  reportedCost: number | null
  /** When the upstream was asked and how long its answer took to begin; null while it was not asked. */
  upstreamStartedAtMs: number | null
  upstreamDurationMs: number | null
  /** What the cache has to do with it; null while it was not asked, or has nothing to say. */
  cache: CacheTurn | null
  /** Stands between the upstream's answer and the client, when a step before the forwarder wants it to. */
  filterAnswer: AnswerFilter | null
  /** Resolves when the WebSocket that the call has become is closed; null: it has become none. */
  heldOpen: Promise<void> | null
}

declare module 'fastify' {
  interface FastifyRequest {
    journey: Journey
  }
}
