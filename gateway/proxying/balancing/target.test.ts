import { describe, expect, it } from 'vitest'
import { isAvailable } from './available.ts'
import { Circuit } from './circuit.ts'
import { Target, type TargetOptions } from './target.ts'
import { afterFailuresInARow } from './when-to-open.ts'

function openTarget(options: Partial<TargetOptions> = {}) {
  const told: string[] = []
  const target = new Target(
    {
      url: 'http://10.0.0.1:3000',
      weight: 4,
      capacity: 2,
      slowStartMs: 10_000,
      circuit: new Circuit({ whenToOpen: afterFailuresInARow(2), openForMs: 1_000 }),
      connections: {} as TargetOptions['connections'],
      ...options,
    },
    {
      asked: () => undefined,
      answering: (isAnswering) => told.push(isAnswering ? 'answers' : 'does not answer'),
      changed: (state) => told.push(state),
    },
  )
  return { target, told }
}

const refused = Object.assign(new Error('no'), { code: 'ECONNREFUSED' })
const left = new Error('the caller left')

describe('a target', () => {
  it('is available while it is healthy, not draining, not ejected and not full', () => {
    const { target } = openTarget()
    expect(isAvailable(target, 0)).toBe(true)
    const calls = [target.begin(0), target.begin(0)]
    expect(isAvailable(target, 0)).toBe(false)
    for (const call of calls) call.failed(left, 0)
    expect(isAvailable(target, 0)).toBe(true)
    target.setHealthy(false, 0)
    expect(isAvailable(target, 0)).toBe(false)
    target.setHealthy(true, 0)
    target.setDraining(true, 0)
    expect(isAvailable(target, 0)).toBe(false)
    target.setDraining(false, 0)
    for (let i = 0; i < 2; i++) target.begin(0).failed(refused, 0)
    expect([isAvailable(target, 999), isAvailable(target, 1_000)]).toEqual([false, true])
  })

  it('is not filled by WebSockets, and not drained before they are closed', () => {
    const { target } = openTarget()
    const sockets = Array.from({ length: 5 }, () => {
      const call = target.begin(0)
      call.answered(1)
      call.switched()
      return call
    })
    expect([target.inFlight, isAvailable(target, 2)]).toEqual([5, true])
    target.setDraining(true, 3)
    expect(target.state).toBe('draining')
    for (const socket of sockets) socket.ended(4)
    expect([target.state, target.inFlight, target.websockets]).toEqual(['drained', 0, 0])
  })

  it('takes calls again only when a trial has gone well', () => {
    const { target } = openTarget()
    for (let i = 0; i < 2; i++) target.begin(0).failed(refused, 0)
    expect([target.state, target.takesCalls, isAvailable(target, 1_000)]).toEqual(['ejected', false, true])
    const trial = target.begin(1_000)
    expect(target.takesCalls).toBe(false)
    trial.answered(1_001)
    expect(target.takesCalls).toBe(true)
  })

  it('tells each change of its state once', () => {
    const { target, told } = openTarget()
    for (let i = 0; i < 2; i++) target.begin(0).failed(refused, 0)
    // The trial fails: ejected it was and is.
    target.begin(1_000).failed(refused, 1_000)
    const trial = target.begin(2_000)
    trial.answered(2_010)
    trial.ended(2_020)
    for (let i = 0; i < 3; i++) target.begin(3_000).answered(3_001)
    expect(told).toEqual(['does not answer', 'ejected', 'answers', 'up'])
  })

  it('is failing, not ejected, when it is the only one', () => {
    const { target, told } = openTarget({ circuit: null, capacity: 100 })
    for (let i = 0; i < 20; i++) target.begin(0).failed(refused, 0)
    expect([target.state, target.takesCalls, isAvailable(target, 0)]).toEqual(['failing', true, true])
    target.begin(5).answered(6)
    expect(told).toEqual(['does not answer', 'failing', 'answers', 'up'])
  })

  it('is drained when the last of its calls has ended', () => {
    const { target, told } = openTarget()
    const call = target.begin(0)
    target.setDraining(true, 0)
    call.answered(5)
    expect(target.state).toBe('draining')
    call.ended(9)
    target.setDraining(false, 20)
    expect(told).toEqual(['draining', 'answers', 'drained', 'up'])
  })

  it('learns nothing about a target from a caller who left, a trial included', () => {
    const { target } = openTarget()
    for (let i = 0; i < 10; i++) target.begin(0).failed(left, 0)
    expect(target.state).toBe('up')
    for (let i = 0; i < 2; i++) target.begin(0).failed(refused, 0)
    target.begin(1_000).failed(left, 1_000)
    expect([target.state, isAvailable(target, 1_000), target.inFlight]).toEqual(['ejected', true, 0])
  })

  it('comes back with a tenth of its weight, and has all of it when the slow start is over', () => {
    const { target } = openTarget()
    expect(target.weightAt(0)).toBe(4)
    target.setHealthy(false, 0)
    target.setHealthy(true, 1_000)
    const weights = [1_000, 3_500, 6_000, 11_000, 60_000].map((nowMs) => target.weightAt(nowMs))
    expect(weights).toEqual([0.4, 1, 2, 4, 4])
  })

  it('remembers its worst latency, and forgets it in time', () => {
    const { target } = openTarget()
    target.begin(0).answered(500)
    target.begin(500).answered(510)
    expect(target.latencyAt(510)).toBeGreaterThan(450)
    expect(target.latencyAt(60_000)).toBeLessThan(5)
  })
})
