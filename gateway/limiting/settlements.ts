import type { AdmissionStore, Settlement } from './admission.ts'

/** Settlements that wait for a store that is away; more than these are let go, oldest first. */
const mostWaiting = 10_000
const retryAfterMs = 500

export interface SettlementQueueOptions {
  readonly store: Pick<AdmissionStore, 'settle'>
  /** Told of each settlement that the store has made. */
  readonly settled: (settlement: Settlement) => void
}

export interface SettlementQueue extends AsyncDisposable {
  /** Sends soon, together with others, and again until the store has taken it. */
  add(settlement: Settlement): void
}

/** Refunds, releases and charges off the hot path. Sent twice they act once, so a lost answer does no harm. */
export function createSettlementQueue({ store, settled }: SettlementQueueOptions): SettlementQueue {
  let waiting: Settlement[] = []
  let sending: Promise<void> | null = null
  let retry: NodeJS.Timeout | undefined
  let isClosing = false

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, 200)
      try {
        await store.settle(batch)
        for (const settlement of batch) settled(settlement)
      } catch {
        waiting = [...batch, ...waiting].slice(-mostWaiting)
        if (!isClosing) retry = setTimeout(sendSoon, retryAfterMs).unref()
        return
      }
    }
  }

  function sendSoon(): void {
    sending ??= send().finally(() => {
      sending = null
    })
  }

  return {
    add(settlement) {
      if (waiting.push(settlement) === 1 && sending === null) setImmediate(sendSoon)
    },
    async [Symbol.asyncDispose]() {
      isClosing = true
      clearTimeout(retry)
      await sending
      await send()
    },
  }
}
