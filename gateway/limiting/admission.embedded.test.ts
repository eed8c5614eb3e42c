import { describe } from 'vitest'
import { admissionContract, startClock } from './admission.contract.ts'
import { createEmbeddedAdmission } from './admission.embedded.ts'

describe('admission in process', () => {
  admissionContract(() => {
    const clock = startClock()
    const alive = new Set<string>()
    return {
      clock,
      store: createEmbeddedAdmission({
        now: () => clock.now,
        isSessionAlive: (accountId, sessionId) => alive.has(`${accountId} ${sessionId}`),
      }),
      setSession: async (accountId, sessionId, isAlive) => {
        if (isAlive) alive.add(`${accountId} ${sessionId}`)
        else alive.delete(`${accountId} ${sessionId}`)
      },
    }
  }, 10_000)
})
