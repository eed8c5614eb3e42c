import { describe, expect, it } from 'vitest'
import { type AdmissionBench, callOf, freshSubject, windowOf } from './admission.contract.ts'
import type { AdmissionStore, WindowRequest, WindowState } from './admission.ts'
import { plainPolicy } from './policy.ts'

const minute = 60_000

/** What every home promises of the times at which places become free. */
export function timelineContract(open: () => AdmissionBench): void {
  async function looked(store: AdmissionStore, window: WindowRequest): Promise<WindowState> {
    const answer = await store.look(callOf([window]))
    if (answer.kind === 'session-ended') throw new Error('there is no session here')
    return answer.windows[0] as WindowState
  }

  async function timeline(store: AdmissionStore, window: WindowRequest, most = 100): Promise<number[]> {
    const times = await store.timeline(await looked(store, window), most)
    // Calls of one instant are a microsecond apart.
    return times.map((ms) => Math.round(ms / 10) * 10)
  }

  describe('the timeline', () => {
    it('says when each place in use becomes free, soonest first, and forgets those that are', async () => {
      const { store, clock } = open()
      const window = windowOf(plainPolicy('calls', 5, minute), freshSubject())
      expect(await timeline(store, window)).toEqual([])
      for (const pauseMs of [1_000, 2_000, 3_000]) {
        await store.admit(callOf([window]))
        clock.now += pauseMs
      }
      expect(await timeline(store, window)).toEqual([54_000, 55_000, 57_000])
      expect(await timeline(store, window, 2)).toEqual([54_000, 55_000])
      clock.now += 54_500
      expect(await timeline(store, window)).toEqual([500, 2_500])
      expect(await looked(store, window)).toMatchObject({ remaining: 3 })
    })

    it('leaves out calls that free nothing because the quota was lowered', async () => {
      const { store, clock } = open()
      const subject = freshSubject()
      for (let i = 0; i < 4; i++, clock.now += 1_000) {
        await store.admit(callOf([windowOf(plainPolicy('calls', 4, minute), subject)]))
      }
      const lowered = windowOf(plainPolicy('calls', 2, minute), subject)
      expect(await timeline(store, lowered)).toEqual([58_000, 59_000])
    })

    it.each(['counter', 'gcra'] as const)('of a %s knows the next place alone', async (algorithm) => {
      const { store } = open()
      const window = windowOf(plainPolicy('calls', 6, minute, { algorithm }), freshSubject())
      expect(await timeline(store, window)).toEqual([])
      for (let i = 0; i < 3; i++) await store.admit(callOf([window]))
      const { resetMs } = await looked(store, window)
      expect(await timeline(store, window)).toEqual([Math.round(resetMs / 10) * 10])
    })

    it('of a ban is its end', async () => {
      const { store } = open()
      const ban = { afterDenials: 1, forMs: 5 * minute, atMostMs: 5 * minute }
      const window = windowOf(plainPolicy('calls', 1, minute, { ban }), freshSubject())
      for (let i = 0; i < 2; i++) await store.admit(callOf([window]))
      expect(await timeline(store, window)).toEqual([5 * minute])
    })
  })
}
