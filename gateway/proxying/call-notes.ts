import type { Journey } from '../journey.ts'
import type { CallOwner } from './ask-upstream.ts'
import type { Fault } from './exchange-error.ts'
import type { HeaderFields } from './send-http.ts'

/** What the journey learns from the upstream: when it was asked, how long it took, what it says the call has cost. */
export class CallNotes implements CallOwner {
  readonly #journey: Journey

  constructor(journey: Journey) {
    this.#journey = journey
  }

  upstreamAsked(nowMs: number): void {
    this.#journey.upstreamStartedAtMs = nowMs
  }

  upstreamAnswered(headers: HeaderFields, nowMs: number): void {
    this.#noteDuration(nowMs)
    readCost(this.#journey, headers)
  }

  upstreamFailed(fault: Fault | null, nowMs: number): void {
    // The caller's own failures say nothing about the upstream.
    if (fault !== null) this.#noteDuration(nowMs)
  }

  #noteDuration(nowMs: number): void {
    this.#journey.upstreamDurationMs = nowMs - (this.#journey.upstreamStartedAtMs ?? nowMs)
  }
}

/** For the policies that ask; the caller has no use for it. */
function readCost(journey: Journey, headers: HeaderFields): void {
  for (const { costHeader } of journey.route?.policies ?? []) {
    if (costHeader === null || !/^\d{1,6}$/.test(String(headers[costHeader]))) continue
    journey.reportedCost = Number(headers[costHeader])
    delete headers[costHeader]
  }
}
