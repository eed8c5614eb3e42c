import type { Fault } from '../exchange-error.ts'
import type { Connections } from '../http1/connections.ts'
import { faultOf } from '../upstream-error.ts'
import type { Availability } from './available.ts'
import type { Candidate } from './balance.ts'
import type { Circuit } from './circuit.ts'
import { PeakLatency } from './peak-latency.ts'
import { rampedWeight } from './slow-start.ts'

/** `failing`: its last call failed, and it is not ejected, being the only one. */
export type TargetState = 'up' | 'failing' | 'ejected' | 'unhealthy' | 'draining' | 'drained'

export interface TargetOptions {
  readonly url: string
  readonly weight: number
  readonly capacity: number
  readonly slowStartMs: number
  /** Null: it is never ejected. */
  readonly circuit: Circuit | null
  readonly connections: { readonly pool: Connections }
}

/** What happens at a target, for the log and the figures. */
export interface TargetEvents {
  /** How long until the head of an answer came, or the call failed. */
  asked(durationMs: number): void
  /** Whether it answered when it was last asked, told when that changes. */
  answering(isAnswering: boolean): void
  changed(state: TargetState): void
}

/** One server of an upstream: where it is, whether it may be called, and what it has to do. */
export class Target implements Availability, Candidate {
  readonly url: string
  /** Host and port: its name within the upstream. */
  readonly name: string
  readonly weight: number
  readonly capacity: number
  readonly circuit: Circuit | null
  isHealthy = true
  isDraining = false
  /** Calls from their choice to the end of their answer. */
  inFlight = 0
  websockets = 0
  readonly #connections: TargetOptions['connections']
  readonly #slowStartMs: number
  readonly #latency = new PeakLatency()
  readonly #events: TargetEvents
  #recoveredAtMs: number | null = null
  #isAnswering: boolean | null = null
  #toldState: TargetState = 'up'

  constructor(
    { url, weight, capacity, slowStartMs, circuit, connections }: TargetOptions,
    events: TargetEvents,
  ) {
    this.url = url
    this.name = new URL(url).host
    this.weight = weight
    this.capacity = capacity
    this.circuit = circuit
    this.#connections = connections
    this.#slowStartMs = slowStartMs
    this.#events = events
  }

  /** Asked anew for every call: it is another one when the target has moved. */
  get pool(): Connections {
    return this.#connections.pool
  }

  weightAt(nowMs: number): number {
    return rampedWeight(this.weight, this.#recoveredAtMs, this.#slowStartMs, nowMs)
  }

  latencyAt(nowMs: number): number {
    return this.#latency.at(nowMs)
  }

  get state(): TargetState {
    if (this.isDraining) return this.inFlight > 0 ? 'draining' : 'drained'
    if (!this.isHealthy) return 'unhealthy'
    // A trial under way is news only when it is over.
    if (this.circuit !== null) return this.circuit.state.kind === 'closed' ? 'up' : 'ejected'
    return this.#isAnswering === false ? 'failing' : 'up'
  }

  /** Whether callers are sent to it. An ejected one has to stand a trial first, and counts as such until then. */
  get takesCalls(): boolean {
    return this.state === 'up' || this.state === 'failing'
  }

  /** Begins a call. The caller has seen that it is available. */
  begin(nowMs: number): Attempt {
    this.inFlight++
    return new Attempt(this, nowMs, this.circuit?.enter() ?? false)
  }

  answered(durationMs: number, isTrial: boolean, nowMs: number): void {
    this.#latency.observe(durationMs, nowMs)
    this.#events.asked(durationMs)
    this.circuit?.succeeded(isTrial)
    if (this.#isAnswering === true && !isTrial) return
    this.#noteAnswering(true)
    this.#tellState(nowMs)
  }

  /** No answer has come, and none will. */
  failed(fault: Fault | null, durationMs: number, isTrial: boolean, nowMs: number): void {
    if (fault === null) this.circuit?.abandoned(isTrial, nowMs)
    else {
      this.#events.asked(durationMs)
      this.circuit?.failed(isTrial, nowMs)
      this.#noteAnswering(false)
    }
    this.ended(nowMs)
    this.#tellState(nowMs)
  }

  ended(nowMs: number): void {
    this.inFlight--
    if (this.isDraining) this.#tellState(nowMs)
  }

  /** As enough probes in a row say. */
  setHealthy(isHealthy: boolean, nowMs: number): void {
    this.isHealthy = isHealthy
    this.#noteAnswering(isHealthy)
    this.#tellState(nowMs)
  }

  /** While it is draining it gets no new calls; those it has may finish. */
  setDraining(isDraining: boolean, nowMs: number): void {
    this.isDraining = isDraining
    this.#tellState(nowMs)
  }

  #noteAnswering(isAnswering: boolean): void {
    if (this.#isAnswering === isAnswering) return
    this.#isAnswering = isAnswering
    this.#events.answering(isAnswering)
  }

  #tellState(nowMs: number): void {
    const { state } = this
    if (state === this.#toldState) return
    if (state === 'up' && this.#toldState !== 'failing') this.#recoveredAtMs = nowMs
    this.#toldState = state
    this.#events.changed(state)
  }
}

/** One call to one target: it is told either `answered`, perhaps `switched`, and at the end `ended`, or `failed`. */
export class Attempt {
  readonly target: Target
  readonly #startedAtMs: number
  readonly #isTrial: boolean
  #isWebsocket = false

  constructor(target: Target, startedAtMs: number, isTrial: boolean) {
    this.target = target
    this.#startedAtMs = startedAtMs
    this.#isTrial = isTrial
  }

  /** The head of an answer is there. */
  answered(nowMs: number): void {
    this.target.answered(nowMs - this.#startedAtMs, this.#isTrial, nowMs)
  }

  /** The answer was to switch protocols: what follows takes no place of a call. */
  switched(): void {
    this.#isWebsocket = true
    this.target.websockets++
  }

  /** The answer is over, whole or broken off. */
  ended(nowMs: number): void {
    if (this.#isWebsocket) this.target.websockets--
    this.target.ended(nowMs)
  }

  /** There was no answer, and there will be none. Tells whether it was the target's fault, and how. */
  failed(error: Error, nowMs: number): Fault | null {
    const fault = faultOf(error)
    this.target.failed(fault, nowMs - this.#startedAtMs, this.#isTrial, nowMs)
    return fault
  }
}
