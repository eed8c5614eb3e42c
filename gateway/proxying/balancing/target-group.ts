import { GatewayError } from '../../errors.ts'
import type { Upstream } from '../upstream.ts'
import { isAvailable, isServing } from './available.ts'
import type { Balance } from './balance.ts'
import { type Asker, type HashBy, hashKey } from './hash-key.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Attempt, Target } from './target.ts'

export type Connecting = Pick<Upstream, 'ca' | 'connectTimeoutMs' | 'responseTimeoutMs'>

export interface TargetGroupOptions {
  readonly name: string
  /** For connections beside the pools. */
  readonly connecting: Connecting
  /** At least one. */
  readonly targets: readonly Target[]
  readonly balance: Balance<Target>
  /** What keeps calls together; null: nothing does. */
  readonly hashBy: HashBy | null
  /** How often one call may be sent again, each time to another target. */
  readonly mostRetries: number
  readonly budget: RetryBudget
  /** When a target that probes took out may be back; null without probes. */
  readonly probeEveryMs: number | null
}

/** The targets of one upstream. */
export class TargetGroup {
  readonly name: string
  readonly connecting: Connecting
  readonly targets: readonly Target[]
  readonly mostRetries: number
  readonly budget: RetryBudget
  readonly #only: Target | null
  readonly #balance: Balance<Target>
  readonly #hashBy: HashBy | null
  readonly #probeEveryMs: number | null

  constructor(options: TargetGroupOptions) {
    const { targets } = options
    this.name = options.name
    this.connecting = options.connecting
    this.targets = targets
    this.mostRetries = options.mostRetries
    this.budget = options.budget
    this.#only = targets.length === 1 ? (targets[0] as Target) : null
    this.#balance = options.balance
    this.#hashBy = options.hashBy
    this.#probeEveryMs = options.probeEveryMs
  }

  /** Whether there is another target to go to. */
  get hasOthers(): boolean {
    return this.#only === null
  }

  /**
   * Begins a call at the target whose turn it is; null when none may be called.
   *
   * @param tried targets that this call has had already
   */
  begin(asker: Asker, nowMs: number, tried: readonly Target[] = none): Attempt | null {
    if (this.#only !== null) {
      return tried.length === 0 && isAvailable(this.#only, nowMs) ? this.#only.begin(nowMs) : null
    }
    const candidates = this.targets.filter((target) => isAvailable(target, nowMs) && !tried.includes(target))
    if (candidates.length === 0) return null
    const key = this.#hashBy === null ? '' : hashKey(this.#hashBy, asker)
    return this.#balance.choose(candidates, nowMs, key).begin(nowMs)
  }

  /** Why nobody could be called: all that serve are full, or none serves. */
  refusal(nowMs: number): GatewayError {
    return this.targets.some((target) => isServing(target, nowMs))
      ? new GatewayError('overloaded', { retryAfterSeconds: 1 })
      : new GatewayError('upstream-unavailable', { retryAfterSeconds: this.#secondsAway(nowMs) })
  }

  /** Until the first of them may be back, as far as anybody knows. */
  #secondsAway(nowMs: number): number {
    const waits = this.targets.map((target) => this.#waitMs(target, nowMs))
    return Math.max(1, Math.ceil(Math.min(...waits) / 1000))
  }

  #waitMs({ isDraining, isHealthy, circuit }: Target, nowMs: number): number {
    if (isDraining) return drainMs
    if (!isHealthy) return this.#probeEveryMs ?? 0
    return circuit?.state.kind === 'open' ? circuit.state.untilMs - nowMs : 0
  }
}

/** An operator is at work: nobody knows for how long. */
const drainMs = 10_000

const none: readonly Target[] = []
