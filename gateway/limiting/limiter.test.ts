import { describe, expect, it } from 'vitest'
import { callOf, windowOf } from './admission.contract.ts'
import { createEmbeddedAdmission } from './admission.embedded.ts'
import type { AdmissionStore } from './admission.ts'
import { createEmbeddedLimitNews } from './limit-news.embedded.ts'
import { createLimiter, type Limiter } from './limiter.ts'
import { type Policy, plainPolicy, type WhenStoreIsDown } from './policy.ts'

/** The same policy each time, as calls under one configuration have it. */
const policies = new Map<string, Policy>()

function windowUnder(whenStoreIsDown: WhenStoreIsDown, quota = 2) {
  const key = `${whenStoreIsDown} ${quota}`
  const policy = policies.get(key) ?? plainPolicy('calls', quota, 60_000, { whenStoreIsDown })
  policies.set(key, policy)
  return windowOf(policy, 'u:1')
}

/** A store that works, or fails at once; counts how often it was asked for a decision. */
function breakableStore(now: () => number = () => 0) {
  const real = createEmbeddedAdmission({ now, isSessionAlive: () => true })
  const state = { isFailing: false, asked: 0 }
  const guarded =
    <Args extends unknown[], T>(method: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      if (state.isFailing) throw new Error('away')
      return method(...args)
    }
  const store: AdmissionStore = {
    admit: (request) => {
      state.asked++
      return guarded(real.admit)(request)
    },
    look: guarded(real.look),
    timeline: guarded(real.timeline),
    settle: guarded(real.settle),
    replay: guarded(real.replay),
    reset: guarded(real.reset),
    boost: guarded(real.boost),
    boostLeftMs: guarded(real.boostLeftMs),
  }
  return { store, state }
}

function limiterOver(
  { store, state }: ReturnType<typeof breakableStore>,
  instances = 1,
  news = createEmbeddedLimitNews(),
) {
  const changes: boolean[] = []
  const limiter = createLimiter({
    store,
    local: createEmbeddedAdmission({ now: () => 0, isSessionAlive: () => true }),
    news,
    instances,
    probe: async () => {
      if (state.isFailing) throw new Error('away')
    },
    probeIntervalMs: 5,
    storeChanged: (isUp) => changes.push(isUp),
    storeAnswered: () => {},
    storeFailed: () => {},
  })
  return { limiter, changes }
}

const kinds = async (limiter: Limiter, window: ReturnType<typeof windowUnder>, times: number) => {
  const decisions = []
  for (let i = 0; i < times; i++) decisions.push(await limiter.decide(callOf([window])))
  return decisions.map((decision) => `${decision.tier} ${decision.kind}`)
}

describe('while the store is away', () => {
  it('a local policy counts in this process: never unlimited', async () => {
    const away = breakableStore()
    away.state.isFailing = true
    await using limiter = limiterOver(away).limiter
    expect(await kinds(limiter, windowUnder('local'), 4)).toEqual([
      'degraded allowed',
      'degraded allowed',
      'degraded denied',
      'degraded denied',
    ])
  })

  it('each of several gateways gives out its share of the quota, and at least one call', async () => {
    const away = breakableStore()
    away.state.isFailing = true
    await using limiter = limiterOver(away, 3).limiter
    const admitted = (await kinds(limiter, windowUnder('local', 10), 10)).filter(
      (kind) => kind === 'degraded allowed',
    )
    expect(admitted).toHaveLength(3)
  })

  it('an open policy lets pass, a closed one refuses', async () => {
    const away = breakableStore()
    away.state.isFailing = true
    await using limiter = limiterOver(away).limiter
    expect(await kinds(limiter, windowUnder('open'), 3)).toEqual(Array(3).fill('degraded allowed'))
    expect(await kinds(limiter, windowUnder('closed'), 3)).toEqual(Array(3).fill('degraded store-away'))
  })

  it('stops asking after five failures in a row, tells of each change once, and asks again after a probe', async () => {
    const away = breakableStore()
    away.state.isFailing = true
    const { limiter, changes } = limiterOver(away)
    await using _ = limiter
    await kinds(limiter, windowUnder('local'), 50)
    expect(away.state.asked).toBe(5)
    expect(changes).toEqual([false])
    away.state.isFailing = false
    await expect.poll(() => limiter.isStoreUp()).toBe(true)
    expect(changes).toEqual([false, true])
  })

  it('looking counts nothing, here neither', async () => {
    const away = breakableStore()
    const { limiter } = limiterOver(away)
    await using _ = limiter
    away.state.isFailing = true
    for (let i = 0; i < 5; i++) {
      const decision = await limiter.look(callOf([windowUnder('local')]))
      expect(decision).toMatchObject({ kind: 'allowed', tier: 'degraded', windows: [{ remaining: 2 }] })
    }
    expect(await kinds(limiter, windowUnder('local'), 1)).toEqual(['degraded allowed'])
  })

  it('one failure degrades one call only', async () => {
    const away = breakableStore()
    const { limiter, changes } = limiterOver(away)
    await using _ = limiter
    away.state.isFailing = true
    await kinds(limiter, windowUnder('local'), 4)
    away.state.isFailing = false
    expect(await kinds(limiter, windowUnder('local'), 1)).toEqual(['store allowed'])
    expect(changes).toEqual([])
  })

  it('what was admitted meanwhile fills the windows of the store when it is back', async () => {
    const away = breakableStore()
    const { limiter } = limiterOver(away)
    await using _ = limiter
    away.state.isFailing = true
    await kinds(limiter, windowUnder('local', 5), 8)
    away.state.isFailing = false
    await expect.poll(() => limiter.isStoreUp()).toBe(true)
    const looked = await away.store.look(callOf([windowUnder('local', 5)]))
    expect(looked).toMatchObject({ kind: 'denied', windows: [{ remaining: 0 }] })
  })
})

describe('a known denial', () => {
  it('costs the store nothing until its time has come', async () => {
    const clock = { now: 0 }
    const up = breakableStore(() => clock.now)
    await using limiter = limiterOver(up).limiter
    expect(await kinds(limiter, windowUnder('local'), 6)).toEqual([
      'store allowed',
      'store allowed',
      'store denied',
      'memory denied',
      'memory denied',
      'memory denied',
    ])
    expect(up.state.asked).toBe(3)
  })

  it.each<[string, (limiter: Limiter) => Promise<void>]>([
    ['a reset', (limiter) => limiter.reset(windowUnder('local'))],
    ['a boost', (limiter) => limiter.boost(windowUnder('local'), 9, 60_000)],
    ['the news of another gateway', (limiter) => limiter.loosened('u:1')],
  ])('is forgotten after %s', async (_, loosen) => {
    const up = breakableStore()
    await using limiter = limiterOver(up).limiter
    await kinds(limiter, windowUnder('local'), 4)
    await loosen(limiter)
    expect((await limiter.decide(callOf([windowUnder('local')]))).tier).toBe('store')
  })

  it('is not believed under a policy that was read again, whatever has changed in it', async () => {
    const up = breakableStore()
    await using limiter = limiterOver(up).limiter
    await kinds(limiter, windowUnder('local'), 4)
    const shorter = plainPolicy('calls', 2, 1_000, { whenStoreIsDown: 'local' })
    expect((await limiter.decide(callOf([windowOf(shorter, 'u:1')]))).tier).toBe('store')
  })

  it('is never believed while news could be missed', async () => {
    const up = breakableStore()
    const news = { ...createEmbeddedLimitNews(), isLive: () => false }
    await using limiter = limiterOver(up, 1, news).limiter
    expect(
      (await kinds(limiter, windowUnder('local'), 5)).filter((kind) => kind.startsWith('memory')),
    ).toEqual([])
  })

  it('is forgotten when the store, asked again after a moment, does not know of it', async () => {
    const up = breakableStore()
    await using limiter = limiterOver(up).limiter
    await kinds(limiter, windowUnder('local'), 4)
    await up.store.reset(windowUnder('local'))
    expect(await kinds(limiter, windowUnder('local'), 1)).toEqual(['memory denied'])
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await kinds(limiter, windowUnder('local'), 3)).toEqual([
      'store allowed',
      'store allowed',
      'store denied',
    ])
  })

  it('is forgotten within a second or so when the store was emptied, while others keep it busy', async () => {
    const working = breakableStore()
    await using limiter = limiterOver(working).limiter
    const window = windowUnder('local', 1)
    await kinds(limiter, window, 3)
    expect(working.state.asked).toBe(2)
    await working.store.reset(window)
    const others = setInterval(() => {
      void limiter.decide(callOf([{ ...window, subject: `u:${Math.random()}` }]))
    }, 20)
    try {
      await expect.poll(() => kinds(limiter, window, 1), { timeout: 3_000 }).toEqual(['store allowed'])
    } finally {
      clearInterval(others)
    }
  })

  it('is not remembered when news overtook the answer', async () => {
    const up = breakableStore()
    const news = createEmbeddedLimitNews()
    const { admit } = up.store
    Object.assign(up.store, {
      admit: async (request: Parameters<typeof admit>[0]) => {
        const answer = await admit(request)
        if (answer.kind === 'denied') await news.publish({ kind: 'loosened', subject: 'u:1' })
        return answer
      },
    })
    await using limiter = limiterOver(up, 1, news).limiter
    expect(await kinds(limiter, windowUnder('local'), 4)).not.toContain('memory denied')
  })

  it.each([
    ['counts denied calls', plainPolicy('calls', 1, 60_000, { countsDenied: true })],
    ['bans', plainPolicy('calls', 1, 60_000, { ban: { afterDenials: 50, forMs: 1_000, atMostMs: 1_000 } })],
    ['limits what runs at once', plainPolicy('calls', 1, 60_000, { algorithm: 'concurrent' })],
  ])('is not kept for a policy that %s', async (_, policy) => {
    const up = breakableStore()
    await using limiter = limiterOver(up).limiter
    expect(await kinds(limiter, windowOf(policy, 'u:1'), 5)).not.toContain('memory denied')
  })
})
