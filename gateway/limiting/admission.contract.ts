import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Admission, AdmissionRequest, AdmissionStore, WindowRequest } from './admission.ts'
import { metersContract } from './meters.contract.ts'
import { type Policy, plainPolicy } from './policy.ts'
import { timelineContract } from './timeline.contract.ts'

/** A store under test with a clock of its own; `now` is in epoch milliseconds. */
export interface AdmissionBench {
  readonly store: AdmissionStore
  clock: { now: number }
  /** Opens or ends the session that the store looks at. */
  setSession(accountId: string, sessionId: string, isAlive: boolean): Promise<void>
}

export const policyOf = plainPolicy

export const windowOf = (
  policy: Policy,
  subject: string,
  changes: Partial<WindowRequest> = {},
): WindowRequest => ({
  policy,
  subject,
  bucket: policy.name,
  quota: policy.quota,
  cost: 1,
  isShadow: false,
  ...changes,
})

let calls = 0

/** A call that must find room in all of these windows. */
export const callOf = (
  windows: readonly WindowRequest[],
  session: AdmissionRequest['session'] = null,
): AdmissionRequest => ({ session, windows, callId: `c${calls++}` })

/** Independent of the code under test on purpose: keeps every admitted time and counts from scratch. */
class NaiveWindow {
  private readonly admitted: number[] = []
  private readonly policy: Policy

  constructor(policy: Policy) {
    this.policy = policy
  }

  used(now: number): number {
    return this.admitted.filter((time) => time + this.policy.windowMs > now).length
  }

  hasRoom(now: number): boolean {
    return this.used(now) < this.policy.quota
  }

  /** Calls of one instant are told apart by a microsecond each. */
  count(now: number): void {
    this.admitted.push(Math.max(now, (this.admitted.at(-1) ?? 0) + 0.001))
  }
}

let subjects = 0
export const freshSubject = (): string => `u:${process.pid}.${Date.now()}.${subjects++}`

const call = (policies: readonly Policy[], subject: string): AdmissionRequest =>
  callOf(policies.map((policy) => windowOf(policy, subject)))

const startMs = 1_800_000_000_000

/** What every home of `AdmissionStore` promises. `open` gives a store with its own clock each time. */
export function admissionContract(open: () => AdmissionBench, schedules: number): void {
  metersContract(open)
  timelineContract(open)

  const calls = policyOf('calls', 10, 600_000)

  describe('one policy', () => {
    it('admits exactly the quota of parallel calls', async () => {
      const { store } = open()
      const request = call([calls], freshSubject())
      const answers = await Promise.all(Array.from({ length: 60 }, () => store.admit(request)))
      expect(answers.filter((answer) => answer.kind === 'allowed')).toHaveLength(10)
      expect(answers.filter((answer) => answer.kind === 'denied')).toHaveLength(50)
    })

    it('says what remains and when one more place is free', async () => {
      const { store, clock } = open()
      const request = call([calls], freshSubject())
      expect(await store.admit(request)).toMatchObject({ windows: [{ remaining: 9, resetMs: 600_000 }] })
      clock.now += 1_500
      expect(await store.admit(request)).toMatchObject({ windows: [{ remaining: 8, resetMs: 598_500 }] })
    })

    it('lets a full quota at the end of one window and the start of the next never add up', async () => {
      const { store, clock } = open()
      const request = call([calls], freshSubject())
      const burst = async () => {
        const answers = await Promise.all(Array.from({ length: 15 }, () => store.admit(request)))
        return answers.filter((answer) => answer.kind === 'allowed').length
      }
      const windowStartMs = Math.ceil(clock.now / 600_000) * 600_000
      clock.now = windowStartMs - 1_000
      expect(await burst()).toBe(10)
      clock.now = windowStartMs + 1_000
      expect(await burst()).toBe(0)
      clock.now = windowStartMs + 598_000
      expect(await burst()).toBe(0)
      // The calls of one instant are told apart by a microsecond each.
      clock.now = windowStartMs + 599_001
      expect(await burst()).toBe(10)
    })

    it('does not count a denied call', async () => {
      const { store, clock } = open()
      const request = call([policyOf('calls', 2, 100_000)], freshSubject())
      await store.admit(request)
      await store.admit(request)
      for (clock.now += 10_000; clock.now < startMs + 100_000; clock.now += 10_000) {
        expect(await store.admit(request)).toMatchObject({ kind: 'denied' })
      }
      expect(await store.admit(request)).toMatchObject({ kind: 'allowed' })
    })

    it('keeps callers and policies apart, whatever their names hold', async () => {
      const { store } = open()
      const once = policyOf('once', 1, 60_000)
      const strange = ['1', '1:x', '{1}', '1}', '1\n', 'é', 'x'.repeat(10_000), `${'x'.repeat(10_000)}y`]
      const salt = freshSubject()
      for (const id of strange) {
        const request = call([once], `${salt}${id}`)
        expect(await store.admit(request), id.slice(0, 20)).toMatchObject({ kind: 'allowed' })
        expect(await store.admit(request), id.slice(0, 20)).toMatchObject({ kind: 'denied' })
      }
    })

    it('obeys a quota that was lowered or raised at once', async () => {
      const { store, clock } = open()
      const subject = freshSubject()
      for (let i = 0; i < 6; i++, clock.now += 10)
        await store.admit(call([policyOf('calls', 6, 60_000)], subject))
      const lowered = await store.admit(call([policyOf('calls', 2, 60_000)], subject))
      // The calls were made at 0, 10 … 50; it is 60. Two may stay, so the one made at 40 has to go.
      expect(lowered).toMatchObject({ kind: 'denied', retryAfterMs: 59_980, windows: [{ remaining: 0 }] })
      expect(await store.admit(call([policyOf('calls', 7, 60_000)], subject))).toMatchObject({
        kind: 'allowed',
      })
    })
  })

  describe('several policies', () => {
    it('counts in all or in none', async () => {
      const { store, clock } = open()
      const subject = freshSubject()
      const [narrow, wide] = [policyOf('narrow', 1, 60_000), policyOf('wide', 3, 600_000)]
      await store.admit(call([wide, narrow], subject))
      for (let i = 0; i < 5; i++) {
        expect(await store.admit(call([wide, narrow], subject))).toMatchObject({
          kind: 'denied',
          retryAfterMs: 60_000,
          windows: [
            { hasRoom: true, remaining: 2 },
            { hasRoom: false, remaining: 0 },
          ],
        })
      }
      clock.now += 60_000
      expect(await store.admit(call([wide, narrow], subject))).toMatchObject({
        kind: 'allowed',
        windows: [{ remaining: 1 }, { remaining: 0 }],
      })
    })

    it('waits for the last of the full windows', async () => {
      const { store } = open()
      const subject = freshSubject()
      const both = [policyOf('short', 1, 60_000), policyOf('long', 1, 300_000)]
      await store.admit(call(both, subject))
      expect(await store.admit(call(both, subject))).toMatchObject({ retryAfterMs: 300_000 })
    })

    it('of several subjects count a call in all windows or in none, whichever of them is full', async () => {
      const { store, clock } = open()
      const subjects = [freshSubject(), freshSubject(), freshSubject()]
      const [wide, narrow] = [policyOf('wide', 4, 600_000), policyOf('narrow', 1, 60_000)]
      for (const full of subjects) {
        const windows = subjects.map((subject) => windowOf(subject === full ? narrow : wide, subject))
        await store.admit(callOf([windowOf(narrow, full)]))
        const before = await store.look(callOf(windows))
        for (let i = 0; i < 3; i++) {
          const denied = await store.admit(callOf(windows))
          expect(denied).toMatchObject({ kind: 'denied', retryAfterMs: 60_000 })
          expect(denied).toEqual(before)
        }
        clock.now += 60_000
      }
      const all = subjects.map((subject) => windowOf(wide, subject))
      const answers = await Promise.all(Array.from({ length: 12 }, () => store.admit(callOf(all))))
      expect(answers.filter(({ kind }) => kind === 'allowed')).toHaveLength(4)
      expect(await store.look(callOf(all))).toMatchObject({ windows: all.map(() => ({ remaining: 0 })) })
    })

    it('of several subjects ban and count the denied where they are full', async () => {
      const { store } = open()
      const [one, other, third] = [freshSubject(), freshSubject(), freshSubject()]
      const strict = plainPolicy('strict', 1, 60_000, {
        ban: { afterDenials: 2, forMs: 120_000, atMostMs: 240_000 },
      })
      const windows = [
        windowOf(policyOf('calls', 10, 60_000), one),
        windowOf(policyOf('single', 1, 60_000), other),
        windowOf(strict, third),
      ]
      await store.admit(callOf(windows))
      for (let i = 0; i < 2; i++) await store.admit(callOf(windows))
      expect(await store.look(callOf(windows))).toMatchObject({
        kind: 'denied',
        windows: [
          { remaining: 9 },
          { hasRoom: false, isBanned: false },
          { isBanned: true, resetMs: 120_000 },
        ],
      })
    })

    it('are those of each call of one batch, however much its neighbours differ in them', async () => {
      const { store } = open()
      const subject = freshSubject()
      const plain = windowOf(policyOf('calls', 2, 60_000), subject)
      const evenly = windowOf(plainPolicy('evenly', 2, 60_000, { algorithm: 'gcra', burst: 1 }), subject)
      const expected: [WindowRequest[], string][] = [
        [[plain], 'allowed'],
        [[plain], 'allowed'],
        [[{ ...plain, quota: 9 }], 'allowed'],
        [[{ ...plain, quota: 9, cost: 7 }], 'denied'],
        [[plain], 'denied'],
        [[evenly], 'allowed'],
        [[evenly], 'denied'],
        [[plain], 'denied'],
        [[{ ...plain, isShadow: true }], 'allowed'],
        [[], 'allowed'],
      ]
      const answers = await Promise.all(expected.map(([windows]) => store.admit(callOf(windows))))
      expect(answers.map(({ kind }) => kind)).toEqual(expected.map(([, kind]) => kind))
    })

    it('admits a call without a policy', async () => {
      expect(await open().store.admit(call([], freshSubject()))).toEqual({ kind: 'allowed', windows: [] })
    })
  })

  describe('the session', () => {
    it('must be alive, and a call of a dead one is not counted', async () => {
      const { store, setSession } = open()
      const accountId = freshSubject().slice(2)
      const request = callOf([windowOf(policyOf('calls', 2, 60_000), `u:${accountId}`)], {
        accountId,
        sessionId: 's1',
      })
      expect(await store.admit(request)).toEqual({ kind: 'session-ended' })
      await setSession(accountId, 's1', true)
      expect(await store.admit(request)).toMatchObject({ kind: 'allowed', windows: [{ remaining: 1 }] })
      await setSession(accountId, 's1', false)
      expect(await store.admit(request)).toEqual({ kind: 'session-ended' })
    })

    it('is judged for each call of one batch', async () => {
      const { store, setSession } = open()
      const accountId = freshSubject().slice(2)
      await setSession(accountId, 'alive', true)
      const windows = [windowOf(policyOf('calls', 1, 60_000), `u:${accountId}`)]
      const answers = await Promise.all([
        store.admit(callOf(windows, { accountId, sessionId: 'dead' })),
        store.admit(callOf([], { accountId, sessionId: 'alive' })),
        store.admit(callOf(windows, { accountId, sessionId: 'alive' })),
        store.admit(callOf(windows)),
      ])
      expect(answers.map((answer) => answer.kind)).toEqual(['session-ended', 'allowed', 'allowed', 'denied'])
    })
  })

  describe('a clock that steps back an hour', () => {
    it('admits nobody twice and locks nobody for longer than one window', async () => {
      const { store, clock } = open()
      const request = call([policyOf('calls', 3, 60_000)], freshSubject())
      for (let i = 0; i < 3; i++, clock.now += 1_000) await store.admit(request)
      clock.now -= 3_600_000
      const denied = await store.admit(request)
      // The newest call, made 1 s before the step, counts as made now: the oldest is 2 s older.
      expect(denied).toMatchObject({ kind: 'denied', retryAfterMs: 58_000, windows: [{ remaining: 0 }] })
      clock.now += 58_000
      expect(await store.admit(request)).toMatchObject({ kind: 'allowed' })
    })
  })

  describe('random schedules against a naive model', () => {
    // In seconds, since Redis also forgets keys by its own clock, which does not follow ours.
    const seconds = (min: number, max: number) => fc.integer({ min, max }).map((n) => n * 1_000)
    const policies = fc.array(
      fc.record({ quota: fc.integer({ min: 1, max: 6 }), windowMs: seconds(30, 400) }),
      { minLength: 1, maxLength: 3 },
    )
    const pauses = fc.array(fc.oneof(fc.constant(0), seconds(0, 40), seconds(0, 500)), {
      minLength: 1,
      maxLength: 25,
    })

    async function followSchedule(
      quotas: readonly { quota: number; windowMs: number }[],
      gaps: readonly number[],
    ) {
      const { store, clock } = open()
      const all = quotas.map(({ quota, windowMs }, i) => policyOf(`p${i}`, quota, windowMs))
      const models = all.map((policy) => new NaiveWindow(policy))
      const request = call(all, freshSubject())
      for (const gap of gaps) {
        clock.now += gap
        const answer = await store.admit(request)
        const mayPass = models.every((model) => model.hasRoom(clock.now))
        expect(answer.kind).toBe(mayPass ? 'allowed' : 'denied')
        if (mayPass) for (const model of models) model.count(clock.now)
        expectPromises(answer, models, clock.now)
      }
    }

    function expectPromises(answer: Admission, models: readonly NaiveWindow[], now: number): void {
      if (answer.kind === 'session-ended') throw new Error('there is no session here')
      answer.windows.forEach((window, i) => {
        const model = models[i] as NaiveWindow
        expect(window.remaining).toBe(window.quota - model.used(now))
      })
      if (answer.kind === 'allowed') return
      expect(models.every((model) => model.hasRoom(now + answer.retryAfterMs + 0.0005))).toBe(true)
      expect(models.every((model) => model.hasRoom(now + answer.retryAfterMs - 0.002))).toBe(false)
    }

    it(`never differs in ${schedules} schedules: no excess, and the same call passes at Retry-After, not before`, async () => {
      const lanes = 50
      const property = fc.asyncProperty(
        fc.array(fc.tuple(policies, pauses), { minLength: lanes, maxLength: lanes }),
        (lane) =>
          Promise.all(lane.map(([quotas, gaps]) => followSchedule(quotas, gaps))).then(() => undefined),
      )
      await fc.assert(property, { numRuns: Math.ceil(schedules / lanes), endOnFailure: true })
    }, 120_000)
  })
}

export const startClock = (): { now: number } => ({ now: startMs })
