import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Circuit } from './circuit.ts'
import { afterFailuresInARow } from './when-to-open.ts'

const openFor = (openForMs: number, failures = 3) =>
  new Circuit({ whenToOpen: afterFailuresInARow(failures), openForMs })

const failOnce = (circuit: Circuit, nowMs: number) => circuit.failed(circuit.enter(), nowMs)

describe('a circuit', () => {
  it('opens after so many failures in a row, and a success in between begins anew', () => {
    const circuit = openFor(1_000)
    failOnce(circuit, 0)
    failOnce(circuit, 0)
    circuit.succeeded(circuit.enter())
    failOnce(circuit, 0)
    failOnce(circuit, 0)
    expect(circuit.state).toEqual({ kind: 'closed' })
    failOnce(circuit, 5)
    expect(circuit.state).toEqual({ kind: 'open', untilMs: 1_005 })
    expect([circuit.admits(5), circuit.admits(1_004.9), circuit.admits(1_005)]).toEqual([false, false, true])
  })

  it('lets exactly one call through when its time is over, and closes when that one is answered', () => {
    const circuit = openFor(1_000, 1)
    failOnce(circuit, 0)
    expect(circuit.admits(1_000)).toBe(true)
    const isTrial = circuit.enter()
    expect([isTrial, circuit.state.kind, circuit.admits(1_000_000)]).toEqual([true, 'half-open', false])
    circuit.succeeded(isTrial)
    expect([circuit.state.kind, circuit.admits(1_001)]).toEqual(['closed', true])
  })

  it('stays open for as long again when that one fails', () => {
    const circuit = openFor(1_000, 1)
    failOnce(circuit, 0)
    failOnce(circuit, 1_200)
    expect(circuit.state).toEqual({ kind: 'open', untilMs: 2_200 })
  })

  it('lets the next one try when that one told nothing', () => {
    const circuit = openFor(1_000, 1)
    failOnce(circuit, 0)
    circuit.abandoned(circuit.enter(), 1_100)
    expect(circuit.admits(1_100)).toBe(true)
    expect(circuit.enter()).toBe(true)
  })

  it('hears nothing of calls that began before it opened', () => {
    const circuit = openFor(1_000, 1)
    const [early, late] = [circuit.enter(), circuit.enter()]
    failOnce(circuit, 0)
    circuit.succeeded(early)
    circuit.failed(late, 500)
    expect(circuit.state).toEqual({ kind: 'open', untilMs: 1_000 })
    circuit.enter()
    circuit.failed(late, 1_100)
    circuit.abandoned(early, 1_100)
    expect(circuit.state).toEqual({ kind: 'half-open' })
  })

  it('never has two trials at once, however calls begin and end', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('begin', 'ok', 'fail', 'leave'), fc.nat(400)))
    fc.assert(
      fc.property(steps, (steps) => {
        const circuit = openFor(1_000, 2)
        const running: boolean[] = []
        let nowMs = 0
        for (const [step, passedMs] of steps) {
          nowMs += passedMs
          if (step === 'begin') {
            if (circuit.admits(nowMs)) running.push(circuit.enter())
          } else if (running.length > 0) {
            const isTrial = running.shift() as boolean
            if (step === 'ok') circuit.succeeded(isTrial)
            else if (step === 'fail') circuit.failed(isTrial, nowMs)
            else circuit.abandoned(isTrial, nowMs)
          }
          const trials = running.filter(Boolean).length
          expect(trials).toBe(circuit.state.kind === 'half-open' ? 1 : 0)
        }
      }),
    )
  })
})
