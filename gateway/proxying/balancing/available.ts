import type { Circuit } from './circuit.ts'

/** What decides whether a target may be called. */
export interface Availability {
  /** As its probes say; true without any. */
  readonly isHealthy: boolean
  /** By an operator. */
  readonly isDraining: boolean
  readonly inFlight: number
  /** Those of them that have become WebSockets: on connections of their own, for hours. */
  readonly websockets: number
  /** Other calls that may run and wait. */
  readonly capacity: number
  readonly circuit: Circuit | null
}

/** The one policy that every way of balancing obeys. */
export const isAvailable = (target: Availability, nowMs: number): boolean =>
  isServing(target, nowMs) && target.inFlight - target.websockets < target.capacity

/** Whether it would be called, had it room. */
export const isServing = ({ isHealthy, isDraining, circuit }: Availability, nowMs: number): boolean =>
  isHealthy && !isDraining && (circuit === null || circuit.admits(nowMs))
