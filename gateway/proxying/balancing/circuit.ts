import type { WhenToOpen } from './when-to-open.ts'

/** Whether a target may be called, as its calls before went. Times are of the monotonic clock. */
export type CircuitState =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly untilMs: number }
  /** The time is over, and one call, the trial, is finding out. */
  | { readonly kind: 'half-open' }

export interface CircuitOptions {
  readonly whenToOpen: WhenToOpen
  readonly openForMs: number
}

/** Keeps calls from a target that fails, and lets one at a time through to see whether it is back. */
export class Circuit {
  state: CircuitState = closed
  readonly #options: CircuitOptions

  constructor(options: CircuitOptions) {
    this.#options = options
  }

  admits(nowMs: number): boolean {
    const { state } = this
    return state.kind === 'closed' || (state.kind === 'open' && nowMs >= state.untilMs)
  }

  /** A call that was admitted begins. True: it is the trial, and how it goes decides. */
  enter(): boolean {
    if (this.state.kind === 'closed') return false
    this.state = { kind: 'half-open' }
    return true
  }

  succeeded(isTrial: boolean): void {
    if (isTrial) this.state = closed
    if (this.state.kind === 'closed') this.#options.whenToOpen.succeeded()
  }

  /** Of a circuit that is not closed only the trial tells anything: the rest began before it opened. */
  failed(isTrial: boolean, nowMs: number): void {
    if (isTrial || (this.state.kind === 'closed' && this.#options.whenToOpen.failed())) {
      this.state = { kind: 'open', untilMs: nowMs + this.#options.openForMs }
    }
  }

  /** The call ended without telling anything about the target: the next one may be the trial. */
  abandoned(isTrial: boolean, nowMs: number): void {
    if (isTrial) this.state = { kind: 'open', untilMs: nowMs }
  }
}

const closed: CircuitState = { kind: 'closed' }
