import { Redis } from 'ioredis'
import { beforeEach, describe, expect, inject, it } from 'vitest'
import { call } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { type EventReader, readEvents } from './event-reader.ts'
import { addAccount, logIn, openTestGateway, temporaryDirectory } from './test-gateway.ts'

const redisUrl = new URL('/31', inject('redisUrl')).href

beforeEach(async () => {
  const redis = new Redis(redisUrl)
  await redis.flushdb()
  redis.disconnect()
})

const policies = {
  calls: { quota: 3, per: '10m', by: 'user' },
  visits: { quota: 100, per: '1h', by: 'address' },
}
const routes = [
  { path: '/', upstream: 'app', access: 'public', policies: ['visits'] },
  { path: '/api/vente', upstream: 'app', access: 'connected', policies: ['calls', 'visits'] },
  { path: '/api/achat', upstream: 'app', access: 'connected', policies: ['calls'] },
]
const config = { policies, routes, login: { policies: [] } }

/** So many gateways over one store, and Ada's session. */
async function openGateways(count: number, sessions = redisUrl, changes: Record<string, unknown> = {}) {
  await using opening = new AsyncDisposableStack()
  const app = opening.use(await startEchoApp())
  const { path: directory } = opening.use(await temporaryDirectory())
  const gateways = []
  for (let i = 0; i < count; i++) {
    const options = { upstream: app.url, directory, sessions, config: { ...config, ...changes } }
    gateways.push(opening.use(await openTestGateway(options)))
  }
  const [first] = gateways
  if (first === undefined) throw new Error('no gateway')
  await addAccount(first)
  const { authorization, account } = await logIn(first)
  const parts = opening.move()
  return {
    app,
    gateways,
    first,
    authorization,
    accountId: account.id,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

const quotaOf = async (url: string, headers: Record<string, string>) =>
  (await fetch(`${url}/quota`, { headers })).json() as Promise<{ policies: Record<string, unknown>[] }>

const remaining = ({ data }: { data: { policies: { name: string; remaining: number }[] } }) =>
  data.policies.find(({ name }) => name === 'calls')?.remaining

describe('GET /quota', () => {
  it.each(['embedded', redisUrl])(
    'tells what is left of every window, once, and counts nothing (%s)',
    async (sessions) => {
      await using opened = await openGateways(1, sessions)
      const { url } = opened.first
      await call(`${url}/api/vente`, opened.authorization)
      await call(`${url}/api/achat`, opened.authorization)
      for (let i = 0; i < 5; i++) await quotaOf(url, opened.authorization)
      const answer = await fetch(`${url}/quota`, { headers: opened.authorization })
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
      const body = (await answer.json()) as { policies: { freeAt: string[]; resetSeconds: number }[] }
      expect(body).toMatchObject({
        account: opened.accountId,
        isDegraded: false,
        policies: [
          {
            name: 'visits',
            unit: 'requests',
            quota: 100,
            windowSeconds: 3600,
            remaining: 99,
            appliesTo: null,
          },
          { name: 'calls', unit: 'requests', quota: 3, windowSeconds: 600, remaining: 1, appliesTo: null },
        ],
      })
      const [, calls] = body.policies
      expect(calls?.resetSeconds).toBeGreaterThan(590)
      expect(calls?.freeAt).toHaveLength(2)
      for (const time of calls?.freeAt ?? []) {
        expect(Date.parse(time) - Date.now()).toBeGreaterThan(590_000)
        expect(Date.parse(time) - Date.now()).toBeLessThanOrEqual(600_050)
      }
      expect(opened.app.seen).toHaveLength(2)
    },
  )

  it('tells who is not connected of the windows that count them by address, and those alone', async () => {
    await using opened = await openGateways(1)
    await call(`${opened.first.url}/page`)
    expect(await quotaOf(opened.first.url, {})).toMatchObject({
      account: null,
      policies: [{ name: 'visits', remaining: 99 }],
    })
  })

  it('refuses a session that has ended and a token that is none', async () => {
    await using opened = await openGateways(1)
    const { url } = opened.first
    await fetch(`${url}/auth/logout`, { method: 'POST', headers: opened.authorization })
    for (const path of ['/quota', '/quota/events', '/auth/account']) {
      expect((await call(url + path, opened.authorization)).status, path).toBe(401)
      expect((await call(url + path, { authorization: 'Bearer nonsense' })).status, path).toBe(401)
    }
  })

  it('leaves out shadows', async () => {
    const shadow = { quota: 1, per: '1h', by: 'user', mode: 'shadow' }
    await using opened = await openGateways(1, 'embedded', {
      policies: { ...policies, shadow },
      routes: [{ path: '/', upstream: 'app', policies: ['calls', 'shadow'] }],
    })
    const { policies: told } = await quotaOf(opened.first.url, opened.authorization)
    expect(told.map(({ name }) => name)).toEqual(['calls'])
  })
})

describe('GET /quota/events', () => {
  it.each([
    ['one gateway, embedded', 1, 'embedded'],
    ['two gateways on one Redis', 2, redisUrl],
  ])('tells at once when the last place is used (%s)', async (_, count, sessions) => {
    await using opened = await openGateways(count, sessions)
    const [calling, telling] = [opened.first, opened.gateways.at(-1) ?? opened.first]
    await using reader = await readEvents(`${telling.url}/quota/events`, opened.authorization)
    expect(reader.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(reader.headers.get('cache-control')).toBe('no-store')
    expect(remaining(await reader.next('quota'))).toBe(3)
    expect(reader.text()).toMatch(/^retry: 2000\n\nid: 1\nevent: quota\n/)

    for (let i = 0; i < 3; i++) await call(`${calling.url}/api/vente`, opened.authorization)
    const usedAtMs = performance.now()
    const limited = await reader.next('limited', 1_500)
    expect(performance.now() - usedAtMs).toBeLessThan(1_500)
    expect(limited.data).toMatchObject({ name: 'calls', quota: 3, remaining: 0 })
    expect(limited.data.freeAt).toHaveLength(3)
    expect(limited.data.resetSeconds).toBeGreaterThan(590)
    expect(new Set(reader.events.map(({ id }) => id)).size).toBe(reader.events.length)
    expect((await call(`${calling.url}/api/vente`, opened.authorization)).status).toBe(429)
  })

  it('tells of calls that were not the last within a few seconds, and when a place is free again', async () => {
    await using opened = await openGateways(2, redisUrl, {
      policies: { ...policies, calls: { quota: 2, per: '4s', by: 'user' } },
    })
    const { url } = opened.gateways[1] ?? opened.first
    await using reader = await readEvents(`${url}/quota/events`, opened.authorization)
    expect(remaining(await reader.next('quota'))).toBe(2)
    await call(`${opened.first.url}/api/achat`, opened.authorization)
    const calledAtMs = performance.now()
    expect(remaining(await reader.next('quota'))).toBe(1)
    await call(`${opened.first.url}/api/achat`, opened.authorization)
    await reader.next('limited')
    const restored = await reader.next('restored', 6_000)
    const waitedMs = performance.now() - calledAtMs
    expect(restored.data).toMatchObject({ name: 'calls', remaining: 1 })
    expect(waitedMs).toBeGreaterThan(3_900)
    expect((await call(`${url}/api/achat`, opened.authorization)).status).toBe(200)
  })

  it('ends with the session, at once and on the other gateway too', async () => {
    await using opened = await openGateways(2)
    const { url } = opened.gateways[1] ?? opened.first
    await using reader = await readEvents(`${url}/quota/events`, opened.authorization)
    await reader.next('quota')
    const endedAtMs = performance.now()
    await fetch(`${opened.first.url}/auth/logout`, { method: 'POST', headers: opened.authorization })
    await reader.ended
    expect(performance.now() - endedAtMs).toBeLessThan(1_500)
  })

  it('is bounded per caller, and a stream that was closed makes room', async () => {
    await using opened = await openGateways(1, 'embedded')
    const path = `${opened.first.url}/quota/events`
    await using four = new AsyncDisposableStack()
    const readers: EventReader[] = []
    for (let i = 0; i < 4; i++) readers.push(four.use(await readEvents(path, opened.authorization)))
    for (const reader of readers) await reader.next('quota')
    const fifth = await call(path, opened.authorization)
    expect(fifth.status).toBe(429)
    expect(fifth.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(Number(fifth.headers.get('retry-after'))).toBeGreaterThan(0)
    // Other callers have streams of their own.
    await using anonymous = await readEvents(path, {})
    expect(anonymous.status).toBe(200)
    await readers[0]?.[Symbol.asyncDispose]()
    await expect.poll(async () => (await quickLook(path, opened.authorization)).status).toBe(200)
  })

  it('does not hold a gateway that stops: it says when to come back, and ends', async () => {
    await using opened = await openGateways(2)
    const [, second] = opened.gateways
    if (second === undefined) throw new Error('no second gateway')
    await using reader = await readEvents(`${second.url}/quota/events`, opened.authorization)
    await reader.next('quota')
    const startedAtMs = performance.now()
    await second[Symbol.asyncDispose]()
    expect(performance.now() - startedAtMs).toBeLessThan(2_000)
    await reader.ended
    expect(reader.text()).toMatch(/\n\nretry: \d{3,4}\n\n$/)
  })

  it('answers HEAD without a stream', async () => {
    await using opened = await openGateways(1, 'embedded')
    const answer = await fetch(`${opened.first.url}/quota/events`, { method: 'HEAD' })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ])
  })
})

/** Opens a stream and leaves when it has begun. */
async function quickLook(path: string, headers: Record<string, string>): Promise<{ status: number }> {
  await using reader = await readEvents(path, headers)
  return { status: reader.status }
}
