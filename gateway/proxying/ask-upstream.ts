import type { Asker } from './balancing/hash-key.ts'
import { mayRetry } from './balancing/may-retry.ts'
import type { Attempt, Target } from './balancing/target.ts'
import type { TargetGroup } from './balancing/target-group.ts'
import type { Fault } from './exchange-error.ts'
import {
  type AnswerSink,
  type ExchangeWatcher,
  type Failure,
  type HeaderFields,
  type HttpRequest,
  type Sending,
  sendHttp,
} from './send-http.ts'

/** Hears how the upstream as a whole did, whichever targets were asked: each of these once at most. */
export interface CallOwner {
  upstreamAsked(nowMs: number): void
  /** The head is there, and may still be changed: the sink hears of it next. */
  upstreamAnswered(headers: HeaderFields, nowMs: number): void
  /** @param fault null: it was not the upstream's */
  upstreamFailed(fault: Fault | null, nowMs: number): void
}

/**
 * Asks one target of an upstream and, while that is safe, another one, all into the same sink. Null when no
 * target may be asked: nothing has happened then, and `upstream.refusal` says why.
 */
export function askUpstream(
  upstream: TargetGroup,
  asker: Asker,
  request: HttpRequest,
  sink: AnswerSink,
  owner: CallOwner,
  nowMs: number,
): Sending | null {
  const attempt = upstream.begin(asker, nowMs)
  if (attempt === null) return null
  if (upstream.hasOthers) upstream.budget.called(nowMs)
  owner.upstreamAsked(nowMs)
  return new UpstreamCall({ upstream, asker, request, sink, owner }, attempt)
}

interface CallParts {
  readonly upstream: TargetGroup
  readonly asker: Asker
  readonly request: HttpRequest
  readonly sink: AnswerSink
  readonly owner: CallOwner
}

class UpstreamCall implements ExchangeWatcher, Sending {
  readonly #parts: CallParts
  #attempt: Attempt
  #sending: Sending
  readonly #tried: Target[] = []
  #retries = 0
  #isAborted = false

  constructor(parts: CallParts, attempt: Attempt) {
    this.#parts = parts
    this.#attempt = attempt
    this.#sending = this.#send(attempt)
  }

  abort(reason: Error): void {
    this.#isAborted = true
    this.#sending.abort(reason)
  }

  answered(headers: HeaderFields): void {
    const nowMs = performance.now()
    this.#attempt.answered(nowMs)
    this.#parts.owner.upstreamAnswered(headers, nowMs)
  }

  ended(): void {
    this.#attempt.ended(performance.now())
  }

  failed(failure: Failure): boolean {
    const nowMs = performance.now()
    const fault = this.#attempt.failed(failure.error, nowMs)
    const next = this.#isSentAgain(failure, fault, nowMs) ? this.#beginAgain(nowMs) : null
    if (next === null) {
      this.#parts.owner.upstreamFailed(fault, nowMs)
      return false
    }
    this.#attempt = next
    this.#sending = this.#send(next, failure.wasReused)
    return true
  }

  #isSentAgain(failure: Failure, fault: Fault | null, nowMs: number): boolean {
    const { upstream, request } = this.#parts
    // With nowhere else to go, only what a connection may have lost before the target saw it.
    if (this.#isAborted || !(upstream.hasOthers || failure.wasReused)) return false
    switch (mayRetry(failure, request, fault)) {
      case 'no':
        return false
      case 'yes':
        return upstream.hasOthers
      case 'within-budget':
        return this.#retries++ < upstream.mostRetries && upstream.budget.take(nowMs)
    }
  }

  #beginAgain(nowMs: number): Attempt | null {
    const { upstream, asker } = this.#parts
    if (upstream.hasOthers) this.#tried.push(this.#attempt.target)
    return upstream.begin(asker, nowMs, this.#tried)
  }

  #send({ target }: Attempt, isFresh = false): Sending {
    const { request, sink } = this.#parts
    return sendHttp(target.pool, request, sink, this, isFresh)
  }
}
