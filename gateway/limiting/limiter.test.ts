import { describe, expect, it } from 'vitest'
import { createEmbeddedAdmission } from './admission.embedded.ts'
import type { AdmissionRequest, AdmissionStore } from './admission.ts'
import { createLimiter, type Limiter } from './limiter.ts'
import type { WhenStoreIsDown } from './policy.ts'

const callUnder = (whenStoreIsDown: WhenStoreIsDown): AdmissionRequest => ({
  session: { accountId: '1', sessionId: 's' },
  windows: [
    { policy: { name: 'calls', quota: 2, windowMs: 60_000, by: 'user', whenStoreIsDown }, subject: 'u:1' },
  ],
})

/** A store that works, fails at once, or never answers; counts how often it was asked. */
function breakableStore() {
  const store = createEmbeddedAdmission({ now: () => 0, isSessionAlive: () => true })
  const breakable = {
    mode: 'up' as 'up' | 'failing',
    asked: 0,
    admit(request: AdmissionRequest) {
      breakable.asked++
      return breakable.mode === 'up' ? store.admit(request) : Promise.reject(new Error('away'))
    },
  }
  return breakable
}

function limiterOver(store: AdmissionStore & { mode: string }) {
  const changes: boolean[] = []
  const limiter = createLimiter({
    store,
    local: createEmbeddedAdmission({ now: () => 0, isSessionAlive: () => true }),
    probe: () => (store.mode === 'up' ? Promise.resolve() : Promise.reject(new Error('away'))),
    probeIntervalMs: 5,
    storeChanged: (isUp) => changes.push(isUp),
    storeAnswered: () => {},
    storeFailed: () => {},
  })
  return { limiter, changes }
}

const kinds = async (limiter: Limiter, request: AdmissionRequest, times: number) => {
  const decisions = []
  for (let i = 0; i < times; i++) decisions.push(await limiter.decide(request))
  return decisions.map((decision) => `${decision.tier} ${decision.kind}`)
}

describe('while the store is away', () => {
  it('a local policy counts in this process: never unlimited', async () => {
    const store = breakableStore()
    store.mode = 'failing'
    using limiter = limiterOver(store).limiter
    expect(await kinds(limiter, callUnder('local'), 4)).toEqual([
      'degraded allowed',
      'degraded allowed',
      'degraded denied',
      'degraded denied',
    ])
  })

  it('an open policy lets pass, a closed one refuses', async () => {
    const store = breakableStore()
    store.mode = 'failing'
    using limiter = limiterOver(store).limiter
    expect(await kinds(limiter, callUnder('open'), 3)).toEqual(Array(3).fill('degraded allowed'))
    expect(await kinds(limiter, callUnder('closed'), 3)).toEqual(Array(3).fill('degraded store-away'))
  })

  it('stops asking after five failures in a row, tells of each change once, and asks again after a probe', async () => {
    const store = breakableStore()
    store.mode = 'failing'
    const { limiter, changes } = limiterOver(store)
    using _ = limiter
    await kinds(limiter, callUnder('local'), 50)
    expect(store.asked).toBe(5)
    expect(changes).toEqual([false])
    store.mode = 'up'
    await expect.poll(() => limiter.isStoreUp()).toBe(true)
    expect(changes).toEqual([false, true])
    expect(await kinds(limiter, callUnder('local'), 1)).toEqual(['store allowed'])
  })

  it('a bad moment of many calls at once degrades those calls only', async () => {
    const store = breakableStore()
    const { limiter, changes } = limiterOver(store)
    using _ = limiter
    store.mode = 'failing'
    await Promise.all(Array.from({ length: 50 }, () => limiter.decide(callUnder('local'))))
    store.mode = 'up'
    expect(await kinds(limiter, callUnder('local'), 1)).toEqual(['store allowed'])
    store.mode = 'failing'
    await Promise.all(Array.from({ length: 50 }, () => limiter.decide(callUnder('local'))))
    expect(changes).toEqual([])
    expect(await kinds(limiter, callUnder('local'), 1)).toEqual(['degraded denied'])
    expect(changes).toEqual([false])
  })

  it('one failure degrades one call only', async () => {
    const store = breakableStore()
    const { limiter, changes } = limiterOver(store)
    using _ = limiter
    store.mode = 'failing'
    await kinds(limiter, callUnder('local'), 4)
    store.mode = 'up'
    expect(await kinds(limiter, callUnder('local'), 1)).toEqual(['store allowed'])
    expect(changes).toEqual([])
  })
})
