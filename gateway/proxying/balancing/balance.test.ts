import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Balance, Candidate } from './balance.ts'
import { consistent } from './consistent.ts'
import { leastBusy } from './least-busy.ts'
import { roundRobin } from './round-robin.ts'

interface Server extends Candidate {
  inFlight: number
  latencyMs: number
}

const server = (name: string, weight = 1): Server => ({
  name,
  weight,
  weightAt: () => weight,
  inFlight: 0,
  latencyMs: 0,
  latencyAt() {
    return this.latencyMs
  },
})

const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 })

function countChoices(
  balance: Balance<Server>,
  servers: readonly Server[],
  calls: number,
): Map<string, number> {
  const counts = new Map(servers.map(({ name }) => [name, 0]))
  for (let i = 0; i < calls; i++) {
    const { name } = balance.choose(servers, 0, `key ${i}`)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** From 0 to less than 1, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe('round-robin', () => {
  it('gives everyone exactly its weight, in each round of as many calls as the weights together', () => {
    fc.assert(
      fc.property(weights, (weights) => {
        const servers = weights.map((weight, i) => server(String(i), weight))
        const balance = roundRobin<Server>()
        const round = weights.reduce((sum, weight) => sum + weight, 0)
        for (let i = 0; i < 3; i++) {
          expect([...countChoices(balance, servers, round).values()]).toEqual(weights)
        }
      }),
    )
  })

  it('mixes the heavy and the light: 5:1:1 is no five in a row', () => {
    const balance = roundRobin<Server>()
    const servers = [server('a', 5), server('b'), server('c')]
    const turns = Array.from({ length: 7 }, () => balance.choose(servers, 0, '').name).join('')
    expect(turns).toBe('aabacaa')
  })

  it('keeps the weights of the others while one is away, and all of them when it is back', () => {
    const balance = roundRobin<Server>()
    const [a, b, c] = [server('a', 3), server('b', 1), server('c', 2)]
    countChoices(balance, [a, b, c], 100)
    const away = countChoices(balance, [a, b], 400)
    expect(Math.abs((away.get('a') ?? 0) - 300)).toBeLessThanOrEqual(2)
    const back = countChoices(balance, [a, b, c], 600)
    for (const [name, share] of Object.entries({ a: 300, b: 100, c: 200 })) {
      expect(Math.abs((back.get(name) ?? 0) - share), name).toBeLessThanOrEqual(3)
    }
  })
})

describe('least-busy', () => {
  /** Calls arrive at a steady pace, and each takes its server's latency; who got how many? */
  function simulate(servers: readonly Server[], latencyOf: (server: Server) => number): Map<string, number> {
    const balance = leastBusy<Server>(seeded(7))
    const counts = new Map<string, number>()
    let running: { readonly server: Server; readonly endsAt: number }[] = []
    for (let now = 0; now < 20_000; now++) {
      for (const { server } of running.filter(({ endsAt }) => endsAt <= now)) {
        server.inFlight--
        server.latencyMs = latencyOf(server)
      }
      running = running.filter(({ endsAt }) => endsAt > now)
      const chosen = balance.choose(servers, now, '')
      chosen.inFlight++
      running.push({ server: chosen, endsAt: now + latencyOf(chosen) })
      counts.set(chosen.name, (counts.get(chosen.name) ?? 0) + 1)
    }
    return counts
  }

  it('respects weights while all are equally fast', () => {
    const counts = simulate([server('heavy', 3), server('light', 1)], () => 40)
    expect((counts.get('heavy') ?? 0) / (counts.get('light') ?? 0)).toBeGreaterThan(2.5)
    expect((counts.get('heavy') ?? 0) / (counts.get('light') ?? 0)).toBeLessThan(3.6)
  })

  it('sends few calls to a slow one, and not none', () => {
    const latencyOf = ({ name }: Server) => (name === 'slow' ? 400 : 20)
    const counts = simulate([server('slow'), server('b'), server('c'), server('d')], latencyOf)
    expect(counts.get('slow')).toBeLessThan(20_000 * 0.13)
    expect(counts.get('slow')).toBeGreaterThan(0)
  })

  it('never takes the busier of two equal ones that it has drawn', () => {
    const [idle, busy] = [server('idle'), { ...server('busy'), inFlight: 10 }]
    const draws = [0.1, 0.9]
    const balance = leastBusy<Server>(() => draws.shift() as number)
    expect(balance.choose([busy, idle], 0, '').name).toBe('idle')
  })
})

describe('consistent', () => {
  const keys = Array.from({ length: 4_000 }, (_, i) => `u:${i}`)
  const places = (servers: readonly Server[]) =>
    new Map(keys.map((key) => [key, consistent<Server>().choose(servers, 0, key).name]))

  it('keeps a key at its server, whatever the order they are listed in', () => {
    fc.assert(
      fc.property(fc.string(), weights, fc.gen(), (key, weights, gen) => {
        const servers = weights.map((weight, i) => server(`10.0.0.${i}:3000`, weight))
        const shuffled = servers.toSorted(() => gen(fc.integer, { min: -1, max: 1 }))
        const { choose } = consistent<Server>()
        expect(choose(shuffled, 0, key).name).toBe(choose(servers, 0, key).name)
      }),
    )
  })

  it('spreads keys by weight', () => {
    const servers = [server('10.0.0.1:3000', 3), server('10.0.0.2:3000', 1)]
    const counts = countChoices(consistent<Server>(), servers, 20_000)
    expect((counts.get('10.0.0.1:3000') ?? 0) / 20_000).toBeCloseTo(0.75, 1)
  })

  it('moves only the keys of a server that goes, and gives them back', () => {
    const servers = ['a', 'b', 'c', 'd', 'e'].map((name) => server(`${name}:80`))
    const before = places(servers)
    const without = places(servers.slice(1))
    const moved = keys.filter((key) => before.get(key) !== without.get(key))
    expect(moved.every((key) => before.get(key) === 'a:80')).toBe(true)
    expect(moved.length / keys.length).toBeCloseTo(0.2, 1)
    // Not all to the same neighbour.
    expect(new Set(moved.map((key) => without.get(key))).size).toBe(4)
    expect(places(servers)).toEqual(before)
  })
})
