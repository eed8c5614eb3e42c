import { describe, expect, it } from 'vitest'
import { windowOf } from './admission.contract.ts'
import type { WindowState } from './admission.ts'
import { createLimitHeaders } from './headers.ts'
import { createPartitionKeys } from './partition-key.ts'
import { type Policy, plainPolicy } from './policy.ts'

const limitHeaders = createLimitHeaders({
  partitionKey: (subject) => Buffer.from(subject).toString('base64'),
})

const state = (policy: Policy, changes: Partial<WindowState> = {}): WindowState => ({
  request: windowOf(policy, 'u:42'),
  hasRoom: true,
  isBanned: false,
  quota: policy.quota,
  remaining: 0,
  resetMs: 0,
  receipt: 0,
  ...changes,
})

it('names every window as the draft wants it: whole seconds, rounded up, at least 1', () => {
  const windows = [
    state(plainPolicy('calls', 10, 600_000), { resetMs: 232_000.001 }),
    state(plainPolicy('burst', 2, 1), { remaining: 1 }),
    state(plainPolicy('at-once', 5, 60_000, { algorithm: 'concurrent' }), { remaining: 4 }),
  ]
  expect(limitHeaders(windows, 'store')).toEqual({
    policy:
      '"calls";q=10;w=600;pk=:dTo0Mg==:, "burst";q=2;w=1;pk=:dTo0Mg==:, "at-once";q=5;qu="concurrent-requests";pk=:dTo0Mg==:',
    limit: '"calls";r=0;t=233, "burst";r=1;t=1, "at-once";r=4;t=1',
    legacy: null,
  })
})

it('leaves the partition key out unless it is wanted', () => {
  const plain = createLimitHeaders({ partitionKey: null })
  expect(plain([state(plainPolicy('calls', 10, 600_000))], 'store')?.policy).toBe('"calls";q=10;w=600')
})

it('tells the quota a boost or a plan has given, not the common one', () => {
  const policy = plainPolicy('calls', 10, 600_000)
  expect(limitHeaders([state(policy, { quota: 50 })], 'store')?.policy).toMatch(/^"calls";q=50;/)
  expect(limitHeaders([state(policy)], 'store')?.policy).toMatch(/^"calls";q=10;/)
})

it('says when a gateway counts alone', () => {
  expect(limitHeaders([state(plainPolicy('calls', 10, 1_000))], 'degraded')?.limit).toBe(
    '"calls";r=0;t=1;guichet-degraded',
  )
})

it('says nothing when no policy applies, and nothing of a shadow', () => {
  expect(limitHeaders([], 'store')).toBeNull()
  const shadow = windowOf(plainPolicy('calls', 10, 1_000), 'u:42', { isShadow: true })
  expect(limitHeaders([{ ...state(shadow.policy), request: shadow }], 'store')).toBeNull()
})

describe('the older convention', () => {
  const writer = createLimitHeaders({ partitionKey: null, legacyHeaders: true })
  const legacyOf = (...windows: WindowState[]) => writer(windows, 'store')?.legacy
  const wide = plainPolicy('wide', 100, 600_000)
  const narrow = plainPolicy('narrow', 2, 1_000)

  it('is left out unless it is wanted', () => {
    expect(limitHeaders([state(wide)], 'store')?.legacy).toBeNull()
  })

  it('tells the window with the fewest places, seconds from now', () => {
    const windows = [
      state(wide, { remaining: 7, resetMs: 9_000 }),
      state(narrow, { remaining: 1, resetMs: 400 }),
    ]
    expect(legacyOf(...windows)).toEqual({ quota: 2, remaining: 1, reset: 1 })
    expect(legacyOf(...windows.toReversed())).toEqual({ quota: 2, remaining: 1, reset: 1 })
  })

  it('tells the window that denies, even when it has places left for cheaper calls', () => {
    const denying = state(wide, { hasRoom: false, remaining: 3, resetMs: 9_000 })
    expect(legacyOf(state(narrow, { remaining: 0 }), denying)).toEqual({ quota: 100, remaining: 3, reset: 9 })
  })

  it('tells the one that stays closed the longest of those that are full', () => {
    const [soon, late] = [
      state(narrow, { hasRoom: false, resetMs: 900 }),
      state(wide, { hasRoom: false, resetMs: 9_000 }),
    ]
    expect(legacyOf(soon, late)).toMatchObject({ quota: 100 })
    expect(legacyOf(late, soon)).toMatchObject({ quota: 100 })
  })

  it('says nothing of a shadow', () => {
    const shadow = { ...state(narrow), request: windowOf(narrow, 'u:42', { isShadow: true }) }
    expect(legacyOf(shadow, state(wide, { remaining: 7 }))).toMatchObject({ quota: 100 })
    expect(writer([shadow], 'store')).toBeNull()
  })
})

it('a partition key is the same for one subject, different for others, and needs the secret to be guessed', () => {
  const [ours, theirs] = [createPartitionKeys('secret'), createPartitionKeys('another')]
  expect(ours('u:1')).toBe(ours('u:1'))
  expect(new Set([ours('u:1'), ours('u:2'), theirs('u:1')]).size).toBe(3)
  expect(ours('u:1')).toMatch(/^[\w+/]{12}$/)
})
