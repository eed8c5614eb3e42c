/** One call that reached a named service. */
export interface Hit {
  /** Epoch milliseconds of the gateway that forwarded it. */
  readonly atMs: number
  /** Null for a call without a session on a public route. */
  readonly accountId: string | null
  readonly service: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
}
