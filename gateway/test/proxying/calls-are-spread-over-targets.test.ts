import { afterAll, describe, expect, it } from 'vitest'
import { freePort } from '../servers/free-port.ts'
import { inTurns, openBalancedGateway, startTarget, tally } from './balanced.ts'

const opened = new AsyncDisposableStack()
const startOne = async () => opened.use(await startTarget(await freePort()))
const [one, other, third] = [await startOne(), await startOne(), await startOne()]
afterAll(() => opened.disposeAsync())

const open = async (...options: Parameters<typeof openBalancedGateway>) =>
  opened.use(await openBalancedGateway(...options))
const whoAnswers = async (url: string, headers: Record<string, string> = {}) =>
  (await fetch(url, { headers })).text()

describe('calls are spread', () => {
  it('by weight: 3:1 within 1 % of 2,000 calls', async () => {
    const { url } = await open({ targets: [{ url: one.url, weight: 3 }, { url: other.url }] })
    const counts = tally(await inTurns(2_000, 16, () => whoAnswers(url)))
    expect(Math.abs((counts[one.name] ?? 0) - 1_500)).toBeLessThanOrEqual(20)
    expect((counts[one.name] ?? 0) + (counts[other.name] ?? 0)).toBe(2_000)
  })

  it('by weight among the others while one is down: 2:1 within 5 %, and no call fails', async () => {
    const targets = [
      { url: one.url, weight: 2 },
      { url: other.url },
      { url: `http://127.0.0.1:${await freePort()}` },
    ]
    const { url } = await open({ targets })
    const counts = tally(await inTurns(1_000, 16, () => whoAnswers(url)))
    expect((counts[one.name] ?? 0) + (counts[other.name] ?? 0)).toBe(1_000)
    expect(Math.abs((counts[one.name] ?? 0) - 667)).toBeLessThanOrEqual(50)
  })

  it('away from a target that is slow, when the least busy is asked for', async () => {
    await using slow = await startTarget(await freePort(), (_, response) => {
      setTimeout(() => response.end('slow'), 100)
    })
    const { url } = await open({
      targets: [{ url: slow.url }, { url: one.url }, { url: other.url }],
      upstream: { balance: 'least-busy' },
    })
    const counts = tally(await inTurns(600, 8, () => whoAnswers(url)))
    expect(counts.slow).toBeLessThan(100)
  })
})

describe('a caller stays at one target when `consistent` is asked for', () => {
  const keys = Array.from({ length: 60 }, (_, i) => `cart-${i}`)
  const places = async (url: string) =>
    new Map(
      await Promise.all(keys.map(async (key) => [key, await whoAnswers(url, { 'x-cart': key })] as const)),
    )

  it('and only those of a target that is down move, until it is back', async () => {
    const { url } = await open({
      targets: [{ url: one.url }, { url: other.url }, { url: third.url }],
      upstream: { balance: 'consistent', hashBy: 'header:X-Cart', eject: { failures: 1, for: '100ms' } },
    })
    const before = await places(url)
    expect(new Set(before.values()).size).toBe(3)
    expect(await places(url)).toEqual(before)
    await third.stop()
    const without = await places(url)
    for (const key of keys) {
      if (before.get(key) !== third.name) expect(without.get(key)).toBe(before.get(key))
      else expect([one.name, other.name]).toContain(without.get(key))
    }
    await third.restart()
    await expect.poll(() => places(url), { timeout: 2_000 }).toEqual(before)
  })

  it('by its address, when there is no session', async () => {
    const { url } = await open({
      targets: [{ url: one.url }, { url: other.url }, { url: third.url }],
      upstream: { balance: 'consistent' },
    })
    expect(new Set(await inTurns(30, 4, () => whoAnswers(url))).size).toBe(1)
  })
})
