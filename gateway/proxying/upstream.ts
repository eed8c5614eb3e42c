import type { BalanceKind } from './balancing/balance.ts'
import type { HashBy } from './balancing/hash-key.ts'
import type { ProbeOptions } from './balancing/probe-target.ts'

/** An app behind the gateway, on one or several targets. All durations in milliseconds. */
export interface Upstream {
  readonly name: string
  /** At least one. */
  readonly targets: readonly {
    /** Origin such as `http://127.0.0.1:3000`, without a path. */
    readonly url: string
    readonly weight: number
  }[]
  readonly balance: BalanceKind
  /** For `consistent`. */
  readonly hashBy: HashBy
  /** Of each target. */
  readonly maxConnections: number
  /** Calls that may wait for a connection, at each target. */
  readonly maxQueue: number
  /** Null: targets are not probed. */
  readonly probe: ProbeOptions | null
  /** When a target that fails is left alone; never the only one. */
  readonly eject: { readonly failures: number; readonly forMs: number }
  readonly retries: {
    readonly attempts: number
    /** Share of the recent calls, 0.1 for 10 %. */
    readonly budget: number
  }
  /** How long a target that came back takes to reach its weight. */
  readonly slowStartMs: number
  readonly connectTimeoutMs: number
  /** From the request's end to the answer's first byte; a route may have its own. */
  readonly responseTimeoutMs: number
  /** Longest silence within an answer. */
  readonly idleTimeoutMs: number
  /** PEM of the authority that signed an https upstream's certificate, when it is a private one. */
  readonly ca?: string
}
