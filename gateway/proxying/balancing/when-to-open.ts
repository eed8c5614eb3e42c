/** Decides from how calls went when a circuit opens. */
export interface WhenToOpen {
  succeeded(): void
  /** True: open it. */
  failed(): boolean
}

/** After so many failures in a row; one success in between begins anew. */
export function afterFailuresInARow(failures: number): WhenToOpen {
  let inARow = 0
  return {
    succeeded() {
      inARow = 0
    },
    failed() {
      inARow++
      if (inARow < failures) return false
      inARow = 0
      return true
    },
  }
}
