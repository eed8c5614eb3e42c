import type { ServerResponse } from 'node:http'
import { afterAll, describe, expect, it } from 'vitest'
import { freePort } from '../servers/free-port.ts'
import { openTestGateway } from '../test-gateway.ts'
import { ask } from './ask.ts'
import { inTurns, openBalancedGateway, startTarget, startTargetProcess, tally } from './balanced.ts'
import { startRawApp } from './raw-app.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())

const open = async (...options: Parameters<typeof openBalancedGateway>) =>
  opened.use(await openBalancedGateway(...options))

const answerOf = async (url: string) => {
  const { status, headers, body } = await ask(url, '/x')
  return { status, retryAfter: headers['retry-after'], code: status < 400 ? null : JSON.parse(body).code }
}

describe('when no target answers', () => {
  it('and none takes a connection, it is 502 until all are ejected, then 503 with Retry-After; the first that is back is found in time', async () => {
    const [one, other] = [await startTarget(await freePort()), await startTarget(await freePort())]
    opened.use(one)
    opened.use(other)
    const { url } = await open({
      targets: [{ url: one.url }, { url: other.url }],
      upstream: { eject: { failures: 2, for: '700ms' } },
    })
    await one.stop()
    await other.stop()
    // Each call tries both.
    for (let i = 0; i < 2; i++)
      expect(await answerOf(url)).toMatchObject({ status: 502, code: 'upstream-unreachable' })
    expect(await answerOf(url)).toEqual({ status: 503, code: 'upstream-unavailable', retryAfter: '1' })
    await one.restart()
    expect((await answerOf(url)).status).toBe(503)
    await expect.poll(() => answerOf(url), { timeout: 1_500, interval: 50 }).toMatchObject({ status: 200 })
  })

  it('and all break off, retries stay within their budget', async () => {
    const breaking = () => startRawApp((socket) => socket.destroy())
    const [one, other] = [opened.use(await breaking()), opened.use(await breaking())]
    const { url } = await open({
      targets: [{ url: one.url }, { url: other.url }],
      upstream: { eject: { failures: 1_000, for: '1s' } },
    })
    const statuses = tally(await inTurns(300, 10, async () => String((await ask(url, '/x')).status)))
    expect(statuses).toEqual({ 502: 300 })
    const asked = one.received.length + other.received.length
    expect(asked).toBeGreaterThanOrEqual(350)
    expect(asked).toBeLessThanOrEqual(400)
  })
})

it('a target that was ejected is tried by exactly one call', async () => {
  const held: ServerResponse[] = []
  const target = opened.use(await startTarget(await freePort(), (_, response) => void held.push(response)))
  const { url } = await open({
    targets: [{ url: target.url }, { url: `http://127.0.0.1:${await freePort()}` }],
    upstream: { eject: { failures: 1, for: '300ms' }, responseTimeout: '10s' },
  })
  await target.stop()
  expect((await answerOf(url)).status).toBe(502)
  await target.restart()
  await new Promise((resolve) => setTimeout(resolve, 350))
  const calls = Array.from({ length: 20 }, () => answerOf(url))
  await expect.poll(() => held.length).toBe(1)
  // The others do not wait for it.
  await expect.poll(async () => (await Promise.race([...calls, 'none'])) !== 'none').toBe(true)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(target.calls).toBe(1)
  held[0]?.end('back')
  expect(tally((await Promise.all(calls)).map(({ status }) => String(status)))).toMatchObject({ 200: 1 })
})

it('a frozen target costs 504s until it is ejected, then nothing', async () => {
  const [port, otherPort] = [await freePort(), await freePort()]
  const frozen = opened.use(await startTargetProcess(port))
  opened.use(await startTargetProcess(otherPort))
  const states: unknown[] = []
  const { url } = await open({
    targets: [{ url: `http://127.0.0.1:${port}` }, { url: `http://127.0.0.1:${otherPort}` }],
    upstream: { responseTimeout: '300ms', eject: { failures: 3, for: '1m' } },
    onLog(line) {
      const { target, state } = JSON.parse(line)
      if (state !== undefined) states.push([target, state])
    },
  })
  await inTurns(20, 4, () => ask(url, '/x'))
  process.kill(frozen.pid, 'SIGSTOP')
  try {
    const during = tally(await inTurns(40, 4, async () => String((await ask(url, '/x')).status)))
    expect(during['504']).toBeGreaterThanOrEqual(3)
    expect(during['504']).toBeLessThanOrEqual(6)
    expect(tally(await inTurns(40, 4, async () => String((await ask(url, '/x')).status)))).toEqual({
      200: 40,
    })
    expect(states).toEqual([[`http://127.0.0.1:${port}`, 'ejected']])
  } finally {
    process.kill(frozen.pid, 'SIGCONT')
  }
})

describe('a target has a bounded number of calls', () => {
  it('beyond them another is taken, and when all are full the answer is 503 with Retry-After', async () => {
    const held: ServerResponse[] = []
    const hold = (_: unknown, response: ServerResponse) => void held.push(response)
    const [one, other] = [
      opened.use(await startTarget(await freePort(), hold)),
      opened.use(await startTarget(await freePort(), hold)),
    ]
    const { url } = await open({
      targets: [{ url: one.url, weight: 100 }, { url: other.url }],
      upstream: { maxConnections: 2, maxQueue: 1 },
    })
    const running = Array.from({ length: 6 }, () => answerOf(url))
    await expect.poll(() => [one.calls, other.calls]).toEqual([2, 2])
    expect(await answerOf(url)).toEqual({ status: 503, code: 'overloaded', retryAfter: '1' })
    while (one.calls + other.calls < 6 || held.length > 0) {
      held.shift()?.end()
      await new Promise(setImmediate)
    }
    expect(await Promise.all(running)).toEqual(
      Array(6).fill({ status: 200, retryAfter: undefined, code: null }),
    )
  })

  it('a route may have less patience than its upstream', async () => {
    const silent = opened.use(await startTarget(await freePort(), () => undefined))
    const gateway = opened.use(
      await openTestGateway({
        upstream: silent.url,
        config: {
          routes: [
            { path: '/', upstream: 'app', access: 'public' },
            { path: '/x', upstream: 'app', access: 'public', responseTimeout: '100ms' },
          ],
        },
      }),
    )
    const from = performance.now()
    expect(await answerOf(gateway.url)).toMatchObject({ status: 504 })
    // The upstream's own is 2 s.
    expect(performance.now() - from).toBeLessThan(1_500)
  })
})
