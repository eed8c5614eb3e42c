/** An app behind the gateway. All durations in milliseconds. */
export interface Upstream {
  readonly name: string
  /** Origin such as `http://127.0.0.1:3000`, without a path. */
  readonly url: string
  readonly connectTimeoutMs: number
  /** From the request's end to the answer's first byte. */
  readonly responseTimeoutMs: number
  /** Longest silence within an answer. */
  readonly idleTimeoutMs: number
  /** PEM of the authority that signed an https upstream's certificate, when it is a private one. */
  readonly ca?: string
}
