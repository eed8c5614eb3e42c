import { expect, it } from 'vitest'
import { limitHeaders } from './headers.ts'
import type { Policy } from './policy.ts'

const policy = (name: string, quota: number, windowMs: number): Policy => ({
  name,
  quota,
  windowMs,
  by: 'user',
  whenStoreIsDown: 'local',
})

it('names every window as the draft wants it: whole seconds, rounded up, at least 1', () => {
  const headers = limitHeaders([
    { policy: policy('calls', 10, 600_000), hasRoom: false, remaining: 0, resetMs: 232_000.001 },
    { policy: policy('burst', 2, 1), hasRoom: true, remaining: 1, resetMs: 0 },
  ])
  expect(headers).toEqual({
    policy: '"calls";q=10;w=600, "burst";q=2;w=1',
    limit: '"calls";r=0;t=233, "burst";r=1;t=1',
  })
})

it('says nothing when no policy applies', () => {
  expect(limitHeaders([])).toBeNull()
})
