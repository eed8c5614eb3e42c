import { describe, expect, it } from 'vitest'
import { Circuit } from './circuit.ts'
import type { Asker } from './hash-key.ts'
import { RetryBudget } from './retry-budget.ts'
import { roundRobin } from './round-robin.ts'
import { Target, type TargetOptions } from './target.ts'
import { TargetGroup, type TargetGroupOptions } from './target-group.ts'
import { afterFailuresInARow } from './when-to-open.ts'

const asker: Asker = {
  raw: { headers: {} },
  journey: { caller: { kind: 'anonymous' }, address: '192.0.2.7' },
}
const refused = Object.assign(new Error('no'), { code: 'ECONNREFUSED' })

/** Targets that take one call each and are ejected by one failure, for as many seconds as they are told. */
function openGroup(ejectedForMs: readonly number[], probeEveryMs: number | null = null): TargetGroup {
  const targets = ejectedForMs.map(
    (openForMs, i) =>
      new Target(
        {
          ...{ url: `http://10.0.0.${i}:80`, weight: 1, capacity: 1, slowStartMs: 0 },
          circuit: new Circuit({ whenToOpen: afterFailuresInARow(1), openForMs }),
          connections: {} as TargetOptions['connections'],
        },
        { asked: () => undefined, answering: () => undefined, changed: () => undefined },
      ),
  )
  return new TargetGroup({
    ...{ name: 'app', targets, balance: roundRobin(), hashBy: null, probeEveryMs },
    ...{ mostRetries: 1, budget: new RetryBudget(0.1) },
    connecting: {} as TargetGroupOptions['connecting'],
  })
}

const refusalOf = (group: TargetGroup, nowMs: number) => {
  const { code, details } = group.refusal(nowMs)
  return [code, details.retryAfterSeconds]
}

describe('the targets of an upstream', () => {
  it('come one after another for a call that has tried some', () => {
    const group = openGroup([1_000, 1_000, 1_000])
    const tried: Target[] = []
    for (let i = 0; i < 3; i++) tried.push(group.begin(asker, 0, tried)?.target as Target)
    expect(new Set(tried).size).toBe(3)
    expect(group.begin(asker, 0, tried)).toBeNull()
  })

  it('that are full refuse as overloaded, also when others are away', () => {
    const group = openGroup([30_000, 30_000])
    group.begin(asker, 0)?.failed(refused, 0)
    group.begin(asker, 0)
    expect(group.begin(asker, 0)).toBeNull()
    expect(refusalOf(group, 0)).toEqual(['overloaded', 1])
  })

  it('that are all ejected refuse until the first may be back, in whole seconds', () => {
    const group = openGroup([30_000, 4_200])
    for (let i = 0; i < 2; i++) group.begin(asker, 0)?.failed(refused, 0)
    expect([0, 1_000, 4_199].map((nowMs) => refusalOf(group, nowMs))).toEqual([
      ['upstream-unavailable', 5],
      ['upstream-unavailable', 4],
      ['upstream-unavailable', 1],
    ])
    expect(group.begin(asker, 4_200)).not.toBeNull()
  })

  it('that their probes took out refuse until the next probe', () => {
    const group = openGroup([1_000, 1_000], 7_000)
    for (const target of group.targets) target.setHealthy(false, 0)
    expect(refusalOf(group, 0)).toEqual(['upstream-unavailable', 7])
  })
})
