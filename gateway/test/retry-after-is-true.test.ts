import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { call, type SeenAnswer } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { addAccount, logIn, openTestGateway } from './test-gateway.ts'

const redisUrl = new URL('/24', inject('redisUrl')).href
const windowSeconds = 3
const config = {
  policies: {
    calls: { quota: 2, per: `${windowSeconds}s`, by: 'user' },
    logins: { quota: 1000, per: '10m', by: 'account' },
  },
}

beforeAll(async () => {
  const redis = new Redis(redisUrl)
  await redis.flushdb()
  redis.disconnect()
})

const resetOf = ({ headers }: SeenAnswer): number =>
  Number(/;t=(\d+)$/.exec(headers.get('ratelimit') ?? '')?.[1] ?? Number.NaN)

// Together, since each of them mostly waits.
describe.concurrent.each([
  ['in Redis', redisUrl],
  ['in process', 'embedded'],
])('a denied call %s', (_, sessions) => {
  it('passes after exactly Retry-After seconds, and is still denied one second earlier', async () => {
    await using app = await startEchoApp()
    await using gateway = await openTestGateway({ upstream: app.url, sessions, config })
    await addAccount(gateway)
    const { authorization } = await logIn(gateway)
    const ask = () => call(`${gateway.url}/api/vente`, authorization)
    const first = await ask()
    await sleep(100)
    const second = await ask()
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.headers.get('ratelimit')).toMatch(/^"calls";r=0;t=[123]$/)

    const denied = await ask()
    expect(denied.status).toBe(429)
    const text = denied.headers.get('retry-after') ?? ''
    expect(text).toMatch(/^[1-9]\d*$/)
    const seconds = Number(text)
    expect(seconds).toBeLessThanOrEqual(windowSeconds)
    expect(seconds).toBe(resetOf(denied))
    expect(JSON.parse(denied.body)).toMatchObject({ retryAfterSeconds: seconds })

    const until = (atMs: number) => sleep(atMs - performance.now())
    await until(denied.sentAtMs + (seconds - 1) * 1_000)
    expect((await ask()).status).toBe(429)
    await until(denied.sentAtMs + denied.durationMs + seconds * 1_000)
    expect((await ask()).status).toBe(200)
    expect(app.seen).toHaveLength(3)
  })
})
