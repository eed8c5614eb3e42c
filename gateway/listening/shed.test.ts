import fastify from 'fastify'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type ShedReason, shedOverload } from './shed.step.ts'
import { noteShedding } from './shed-notes.ts'

let app: ReturnType<typeof fastify>
const lag = { meanMs: 0 }
const shed = vi.fn<(reason: ShedReason) => void>()
let release: (() => void)[] = []

beforeEach(() => {
  lag.meanMs = 0
  shed.mockClear()
  release = []
  app = fastify()
  app.addHook('onRequest', shedOverload({ maxInFlight: 2, maxLagMs: 500, lag, shed }))
  app.get('/', async () => 'done')
  app.get('/slow', async () => {
    await new Promise<void>((resolve) => release.push(resolve))
    return 'done'
  })
})
afterEach(() => app.close())

it('what is above the bound is turned away, and let in again when a place is free', async () => {
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const running = [fetch(`${url}/slow`), fetch(`${url}/slow`)]
  await expect.poll(() => release.length).toBe(2)
  const refused = await fetch(url)
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await refused.json()).toMatchObject({
    type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
    code: 'overloaded',
    requestId: refused.headers.get('x-request-id'),
    retryAfterSeconds: 1,
  })
  expect(shed.mock.calls).toEqual([['in-flight']])
  for (const end of release) end()
  expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200])
  expect((await fetch(url)).status).toBe(200)
})

it('while the event loop runs too late nobody is let in', async () => {
  lag.meanMs = 501
  expect((await app.inject('/')).statusCode).toBe(503)
  expect(shed.mock.calls).toEqual([['event-loop']])
  lag.meanMs = 500
  expect((await app.inject('/')).statusCode).toBe(200)
})

it('each one counts, one in ten seconds is told', () => {
  let nowMs = 0
  const count = vi.fn()
  const warn = vi.fn()
  const note = noteShedding({ count, warn, now: () => nowMs })
  for (nowMs of [0, 1, 9_999]) note('in-flight')
  expect(warn).toHaveBeenCalledTimes(1)
  note('event-loop')
  expect(warn).toHaveBeenLastCalledWith('event-loop')
  nowMs = 10_000
  note('in-flight')
  expect(warn).toHaveBeenCalledTimes(3)
  expect(count).toHaveBeenCalledTimes(5)
})
