import { describe, expect, it } from 'vitest'
import { type AdmissionBench, callOf, freshSubject, windowOf } from './admission.contract.ts'
import type { Admission, WindowState } from './admission.ts'
import { plainPolicy } from './policy.ts'

const minute = 60_000

/** What every home promises beyond the plain exact log. */
export function metersContract(open: () => AdmissionBench): void {
  const admitted = async (
    { store }: AdmissionBench,
    request: Parameters<typeof store.admit>[0],
    times: number,
  ) => {
    const answers: Admission[] = []
    for (let i = 0; i < times; i++)
      answers.push(await store.admit({ ...request, callId: `${request.callId}.${i}` }))
    return answers.filter((answer) => answer.kind === 'allowed').length
  }

  const firstWindow = (answer: Admission): WindowState => {
    if (answer.kind === 'session-ended') throw new Error('there is no session here')
    return answer.windows[0] as WindowState
  }

  describe('cost', () => {
    it('takes as many places as a call costs, and waits until all of them are free', async () => {
      const bench = open()
      const subject = freshSubject()
      const policy = plainPolicy('calls', 5, minute)
      const dear = callOf([windowOf(policy, subject, { cost: 2 })])
      for (const remaining of [3, 1]) {
        expect(await bench.store.admit(dear)).toMatchObject({ kind: 'allowed', windows: [{ remaining }] })
        bench.clock.now += 1_000
      }
      // Made at 0 and 1 s, two places each; it is 2 s, one is free. One of the first two must go.
      const denied = await bench.store.admit(dear)
      expect(denied).toMatchObject({ kind: 'denied', windows: [{ remaining: 1 }] })
      expect(firstWindow(denied).resetMs).toBeCloseTo(58_000, 0)
      expect(await bench.store.admit(callOf([windowOf(policy, subject)]))).toMatchObject({ kind: 'allowed' })
    })

    it('above the quota is never admitted and never crashes', async () => {
      for (const algorithm of ['log', 'counter', 'gcra', 'concurrent'] as const) {
        const window = windowOf(plainPolicy('calls', 3, minute, { algorithm }), freshSubject(), { cost: 4 })
        expect(await open().store.admit(callOf([window])), algorithm).toMatchObject({ kind: 'denied' })
      }
    })
  })

  describe('counter', () => {
    const policy = plainPolicy('calls', 100, minute, { algorithm: 'counter' })

    it('admits the quota in a fresh window, and half of it when half of the older one has left', async () => {
      const bench = open()
      bench.clock.now = Math.ceil(bench.clock.now / minute) * minute
      const request = callOf([windowOf(policy, freshSubject())])
      expect(await admitted(bench, request, 120)).toBe(100)
      bench.clock.now += 1.5 * minute
      expect(await admitted(bench, request, 120)).toBe(50)
    })

    it('says when: at that time the call passes, a little earlier it does not', async () => {
      const bench = open()
      bench.clock.now = Math.ceil(bench.clock.now / minute) * minute + 10_000
      const request = callOf([windowOf(policy, freshSubject())])
      await admitted(bench, request, 100)
      const { resetMs } = firstWindow(await bench.store.admit(request))
      bench.clock.now += resetMs - 50
      expect(await bench.store.admit(request)).toMatchObject({ kind: 'denied' })
      bench.clock.now += 51
      expect(await bench.store.admit(request)).toMatchObject({ kind: 'allowed' })
    })
  })

  describe('gcra', () => {
    const policy = plainPolicy('calls', 60, minute, { algorithm: 'gcra', burst: 3 })

    it('lets a burst pass, then one call a step', async () => {
      const bench = open()
      const request = callOf([windowOf(policy, freshSubject())])
      expect(await admitted(bench, request, 10)).toBe(3)
      for (let second = 0; second < 5; second++) {
        bench.clock.now += 1_000
        expect(await admitted(bench, request, 3)).toBe(1)
      }
      bench.clock.now += minute
      expect(await admitted(bench, request, 10)).toBe(3)
    })

    it('says when: at that time the call passes, a little earlier it does not', async () => {
      const bench = open()
      const request = callOf([windowOf(policy, freshSubject())])
      await admitted(bench, request, 3)
      bench.clock.now += 250
      const { resetMs } = firstWindow(await bench.store.admit(request))
      expect(resetMs).toBeCloseTo(750, 0)
      bench.clock.now += resetMs - 1
      expect(await bench.store.admit(request)).toMatchObject({ kind: 'denied' })
      bench.clock.now += 1
      expect(await bench.store.admit(request)).toMatchObject({ kind: 'allowed' })
    })
  })

  describe('concurrent', () => {
    const policy = plainPolicy('at-once', 2, minute, { algorithm: 'concurrent' })

    it('admits as many as may run at once, and one more when one has ended', async () => {
      const { store } = open()
      const subject = freshSubject()
      const [one, two, three] = [1, 2, 3].map(() => callOf([windowOf(policy, subject)]))
      if (!one || !two || !three) throw new Error('three calls')
      const first = await store.admit(one)
      await store.admit(two)
      expect(await store.admit(three)).toMatchObject({ kind: 'denied', retryAfterMs: 1_000 })
      await store.settle([{ window: firstWindow(first), callId: one.callId, act: { kind: 'release' } }])
      expect(await store.admit(three)).toMatchObject({ kind: 'allowed', windows: [{ remaining: 0 }] })
    })

    it('forgets a call that never says it has ended', async () => {
      const { store, clock } = open()
      const subject = freshSubject()
      for (let i = 0; i < 2; i++) await store.admit(callOf([windowOf(policy, subject)]))
      clock.now += minute + 1
      expect(await store.admit(callOf([windowOf(policy, subject)]))).toMatchObject({
        windows: [{ remaining: 1 }],
      })
    })
  })

  describe('a refund', () => {
    it.each(['log', 'counter', 'gcra'] as const)(
      'of %s gives the very places back, exactly once',
      async (algorithm) => {
        const { store } = open()
        const window = windowOf(plainPolicy('calls', 4, minute, { algorithm }), freshSubject(), { cost: 2 })
        const first = callOf([window])
        const admission = await store.admit(first)
        await store.admit(callOf([window]))
        const refund = {
          window: firstWindow(admission),
          callId: first.callId,
          act: { kind: 'refund' },
        } as const
        await Promise.all([store.settle([refund, refund]), store.settle([refund])])
        await store.settle([refund])
        expect(await store.admit(callOf([window]))).toMatchObject({
          kind: 'allowed',
          windows: [{ remaining: 0 }],
        })
        expect(await store.admit(callOf([window]))).toMatchObject({ kind: 'denied' })
      },
    )

    it('gives back its own call, not another of the same instant', async () => {
      const { store, clock } = open()
      const window = windowOf(plainPolicy('calls', 2, minute), freshSubject())
      const first = callOf([window])
      const [admission] = await Promise.all([store.admit(first), store.admit(callOf([window]))])
      clock.now += 30_000
      await store.settle([{ window: firstWindow(admission), callId: first.callId, act: { kind: 'refund' } }])
      expect(await store.look(callOf([window]))).toMatchObject({ windows: [{ remaining: 1 }] })
      clock.now += 30_001
      expect(await store.look(callOf([window]))).toMatchObject({ windows: [{ remaining: 2 }] })
    })
  })

  it.each(['log', 'counter', 'gcra'] as const)(
    'a charge takes more places of %s, beyond the quota if it must',
    async (algorithm) => {
      const { store } = open()
      const window = windowOf(plainPolicy('calls', 4, minute, { algorithm }), freshSubject())
      const first = callOf([window])
      const admission = await store.admit(first)
      const charge = {
        window: firstWindow(admission),
        callId: first.callId,
        act: { kind: 'charge', places: 2 },
      } as const
      await store.settle([charge])
      await store.settle([charge])
      expect(await store.look(callOf([window]))).toMatchObject({ windows: [{ remaining: 1 }] })
      await store.settle([{ ...charge, callId: 'another', act: { kind: 'charge', places: 9 } }])
      expect(await store.look(callOf([window]))).toMatchObject({
        kind: 'denied',
        windows: [{ remaining: 0 }],
      })
    },
  )

  describe('a shadow window', () => {
    it('says what it would have done, and denies nobody', async () => {
      const { store } = open()
      const subject = freshSubject()
      const enforced = windowOf(plainPolicy('wide', 5, minute), subject)
      const shadow = windowOf(plainPolicy('narrow', 2, minute), subject, { isShadow: true })
      const answers = []
      for (let i = 0; i < 6; i++) answers.push(await store.admit(callOf([enforced, shadow])))
      expect(answers.map((answer) => answer.kind)).toEqual([...Array(5).fill('allowed'), 'denied'])
      const shadows = answers.map((answer) =>
        answer.kind === 'session-ended' ? null : answer.windows[1]?.hasRoom,
      )
      expect(shadows).toEqual([true, true, false, false, false, false])
    })

    it('counts no call that another window denied', async () => {
      const { store } = open()
      const subject = freshSubject()
      const enforced = windowOf(plainPolicy('narrow', 1, minute), subject)
      const shadow = windowOf(plainPolicy('wide', 5, minute), subject, { isShadow: true })
      for (let i = 0; i < 4; i++) await store.admit(callOf([enforced, shadow]))
      expect(await store.look(callOf([shadow]))).toMatchObject({ windows: [{ remaining: 4 }] })
    })
  })

  it('a policy that counts denied calls keeps out who does not stop', async () => {
    const { store, clock } = open()
    const request = callOf([
      windowOf(plainPolicy('calls', 2, minute, { countsDenied: true }), freshSubject()),
    ])
    for (let i = 0; i < 8; i++, clock.now += 20_000) {
      expect((await store.admit(request)).kind).toBe(i < 2 ? 'allowed' : 'denied')
    }
    clock.now += 40_001
    expect((await store.admit(request)).kind).toBe('allowed')
  })

  it('a look counts nothing', async () => {
    const { store } = open()
    const window = windowOf(plainPolicy('calls', 2, minute), freshSubject())
    for (let i = 0; i < 5; i++) {
      expect(await store.look(callOf([window]))).toMatchObject({
        kind: 'allowed',
        windows: [{ remaining: 2 }],
      })
    }
  })

  describe('an operator', () => {
    it('resets a window', async () => {
      const { store } = open()
      const window = windowOf(plainPolicy('calls', 1, minute), freshSubject())
      await store.admit(callOf([window]))
      await store.reset(window)
      expect(await store.admit(callOf([window]))).toMatchObject({ kind: 'allowed' })
    })

    it('boosts one subject for a while', async () => {
      const { store, clock } = open()
      const policy = plainPolicy('calls', 1, minute)
      const [window, other] = [windowOf(policy, freshSubject()), windowOf(policy, freshSubject())]
      expect(await store.boostLeftMs(window)).toBe(0)
      await store.boost(window, 3, 2 * minute)
      clock.now += 1_000
      expect(await store.boostLeftMs(window)).toBe(2 * minute - 1_000)
      expect(await store.boostLeftMs(other)).toBe(0)
      const bench = { store, clock, setSession: async () => {} }
      expect(await admitted(bench, callOf([window]), 5)).toBe(3)
      expect(await admitted(bench, callOf([other]), 5)).toBe(1)
      expect(await store.look(callOf([window]))).toMatchObject({ windows: [{ quota: 3 }] })
      clock.now += 2 * minute + 1
      expect(await admitted(bench, callOf([window]), 5)).toBe(1)
      expect(await store.boostLeftMs(window)).toBe(0)
    })

    it('a boost ends with the reset of its window', async () => {
      const { store } = open()
      const window = windowOf(plainPolicy('calls', 1, minute), freshSubject())
      await store.boost(window, 3, minute)
      await store.reset(window)
      expect(await store.boostLeftMs(window)).toBe(0)
      expect(await store.look(callOf([window]))).toMatchObject({ windows: [{ quota: 1 }] })
    })
  })

  it('bans who goes on after so many denials, each time for longer', async () => {
    const { store, clock } = open()
    const ban = { afterDenials: 3, forMs: 2 * minute, atMostMs: 10 * minute }
    const request = callOf([windowOf(plainPolicy('calls', 1, 1_000, { ban }), freshSubject())])
    const lengths: number[] = []
    for (let round = 0; round < 5; round++) {
      await store.admit(request)
      for (let i = 0; i < 2; i++)
        expect(await store.admit(request)).toMatchObject({ windows: [{ isBanned: false }] })
      const banned = await store.admit(request)
      expect(banned).toMatchObject({ kind: 'denied', windows: [{ isBanned: true, remaining: 0 }] })
      lengths.push(firstWindow(banned).resetMs / minute)
      clock.now += firstWindow(banned).resetMs - 1
      expect(await store.admit(request)).toMatchObject({ kind: 'denied', windows: [{ isBanned: true }] })
      clock.now += 2
    }
    expect(lengths).toEqual([2, 4, 8, 10, 10])
  })

  it('replays calls that were admitted elsewhere, at the time they were made', async () => {
    const { store, clock } = open()
    const window = windowOf(plainPolicy('calls', 4, minute), freshSubject())
    await store.admit(callOf([window]))
    clock.now += 30_000
    await store.replay([
      { window, agoMs: 20_000 },
      { window, agoMs: 40_000 },
      { window, agoMs: 61_000 },
    ])
    expect(await store.look(callOf([window]))).toMatchObject({ windows: [{ remaining: 1 }] })
    clock.now += 20_001
    expect(await store.look(callOf([window]))).toMatchObject({ windows: [{ remaining: 2 }] })
    clock.now += 10_001
    expect(await store.look(callOf([window]))).toMatchObject({ windows: [{ remaining: 3 }] })
  })
}
