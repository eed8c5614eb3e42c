import { expect, test } from 'vitest'
import { type Boarding, createFlights } from './flights.ts'

const lead = (boarding: Boarding) => {
  if (boarding.kind === 'waits') throw new Error('waits')
  return boarding.flight
}

test('of equal questions one is asked, and the others hear what became of it', async () => {
  const flights = createFlights({ waitMs: 10_000 })
  const first = flights.board('p', 'u1')
  const second = flights.board('p', 'u2')
  expect([first.kind, second.kind]).toEqual(['leads', 'waits'])
  lead(first).land({ kind: 'kept', audience: 'everyone' })
  expect(second.kind === 'waits' && (await second.landed)).toEqual({ kind: 'kept', audience: 'everyone' })
  expect(flights.board('p', 'u3').kind).toBe('leads')
})

test('what is kept for one caller is waited for by that caller alone, for a minute', () => {
  let nowMs = 0
  const flights = createFlights({ waitMs: 10_000, now: () => nowMs })
  lead(flights.board('p', 'u1')).land({ kind: 'kept', audience: 'circle' })
  expect(flights.board('p', 'u1').kind).toBe('leads')
  expect(flights.board('p', 'u1').kind).toBe('waits')
  expect(flights.board('p', 'u2').kind).toBe('leads')
  nowMs = 60_001
  expect(flights.board('p', 'u3').kind).toBe('leads')
  expect(flights.board('p', 'u4').kind).toBe('waits')
})

test('nobody waits for what cannot be kept, until it can', () => {
  const flights = createFlights({ waitMs: 10_000 })
  lead(flights.board('p', 'u1')).land({ kind: 'not-shared' })
  const alone = flights.board('p', 'u1')
  expect(alone.kind).toBe('alone')
  expect(flights.board('p', null).kind).toBe('alone')
  lead(alone).land({ kind: 'kept', audience: 'everyone' })
  expect(flights.board('p', null).kind).toBe('leads')
  expect(flights.board('p', 'u1').kind).toBe('waits')
})

test('after a failure the next may try, and a flight lands once', () => {
  const flights = createFlights({ waitMs: 10_000 })
  const first = lead(flights.board('p', null))
  first.land({ kind: 'failed' })
  const second = flights.board('p', null)
  expect(second.kind).toBe('leads')
  first.land({ kind: 'not-shared' })
  expect(flights.board('p', null).kind).toBe('waits')
})

test('a question that takes too long is waited for by nobody who comes later', () => {
  let nowMs = 0
  const flights = createFlights({ waitMs: 10_000, now: () => nowMs })
  const slow = lead(flights.board('p', null))
  nowMs = 9_000
  expect(flights.board('p', null)).toMatchObject({ kind: 'waits', forMs: 1_000 })
  nowMs = 10_000
  expect(flights.board('p', null).kind).toBe('alone')
  slow.land({ kind: 'failed' })
  expect(flights.board('p', null).kind).toBe('leads')
})
