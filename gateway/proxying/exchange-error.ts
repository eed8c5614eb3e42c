/** How a target failed: no connection, one that ended before the answer, too slow, or no HTTP. */
export type Fault = 'unreachable' | 'lost' | 'slow' | 'broken'

/** Why an exchange with a target failed, when the system has no error for it. */
export class ExchangeError extends Error {
  readonly fault: Fault

  constructor(fault: Fault, message: string) {
    super(message)
    this.name = 'ExchangeError'
    this.fault = fault
  }
}
