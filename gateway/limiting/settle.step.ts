import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Journey } from '../journey.ts'
import type { Settlement } from './admission.ts'
import type { Limiter } from './limiter.ts'
import type { Policy, RefundReason } from './policy.ts'

/**
 * Step 8, after the answer: gives back what a policy says such an outcome gives back, ends what ran, and
 * takes what the app says the call has cost beyond its places.
 */
export function settleCall({ limiter }: { readonly limiter: Pick<Limiter, 'settle'> }) {
  return function settleCall({ journey }: FastifyRequest, reply: FastifyReply): void {
    const decision = journey?.decision
    if (decision?.kind !== 'allowed') return
    for (const window of decision.windows) {
      const { policy, cost } = window.request
      if (window.receipt === 0 || !needsSettling(policy)) continue
      const settle = (act: Settlement['act']): void =>
        limiter.settle(decision, { window, callId: journey.requestId, act })
      if (policy.algorithm === 'concurrent') {
        // A WebSocket runs until it is closed.
        if (journey.heldOpen === null) settle({ kind: 'release' })
        else void journey.heldOpen.then(() => settle({ kind: 'release' }))
      } else if (isRefunded(policy, outcomeOf(journey, reply))) settle({ kind: 'refund' })
      else if (policy.costHeader !== null && (journey.reportedCost ?? 0) > cost) {
        settle({ kind: 'charge', places: (journey.reportedCost as number) - cost })
      }
    }
  }
}

const needsSettling = ({ algorithm, refund, costHeader }: Policy): boolean =>
  algorithm === 'concurrent' || refund.length > 0 || costHeader !== null

/**
 * `aborted`: the caller left before the whole answer was sent. `cached`: a stored answer was given and the app was not
 * asked; one that waited for another's answer cost the app nothing either.
 */
function outcomeOf({ cache }: Journey, { raw, statusCode }: FastifyReply): string {
  if (!raw.writableFinished) return 'aborted'
  return cache?.kind === 'served' ? 'cached' : String(statusCode)
}

const isRefunded = ({ refund }: Policy, outcome: string): boolean => refund.includes(outcome as RefundReason)
