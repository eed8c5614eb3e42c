import type { ServerResponse } from 'node:http'
import { afterAll, describe, expect, it } from 'vitest'
import { freePort } from '../servers/free-port.ts'
import type { TestGateway } from '../test-gateway.ts'
import { inTurns, openBalancedGateway, startTarget, tally } from './balanced.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())

async function askAdmin({ adminUrl, adminToken }: TestGateway, path: string, method = 'GET') {
  const headers = { authorization: `Bearer ${adminToken}` }
  const response = await fetch(`${adminUrl}${path}`, { method, headers })
  const text = await response.text()
  return {
    status: response.status,
    body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
  }
}

/** 0 or 1, by the target's URL. */
async function takingCalls(gateway: TestGateway): Promise<Record<string, number>> {
  const { body } = await askAdmin(gateway, '/metrics')
  const series = body.matchAll(/^guichet_upstream_taking_calls\{upstream="app",target="(.*)"\} (\d)$/gm)
  return Object.fromEntries([...series].map(([, url, value]) => [url, Number(value)]))
}

const whoAnswers = async ({ url }: TestGateway) => (await fetch(url)).text()

describe('a target that is drained', () => {
  it('gets no new calls, finishes those it has, and is in the audit trail', async () => {
    const held: ServerResponse[] = []
    const one = opened.use(await startTarget(await freePort(), (_, response) => void held.push(response)))
    const other = opened.use(await startTarget(await freePort()))
    const log: Record<string, unknown>[] = []
    const gateway = opened.use(
      await openBalancedGateway({
        targets: [{ url: one.url, weight: 2 }, { url: other.url }],
        onLog: (line) => log.push(JSON.parse(line)),
      }),
    )
    const drain = `/api/upstreams/app/targets/${one.name}/drain`
    expect(await takingCalls(gateway)).toEqual({ [one.url]: 1, [other.url]: 1 })
    const running = whoAnswers(gateway)
    await expect.poll(() => held.length).toBe(1)

    expect((await askAdmin(gateway, drain, 'PUT')).body).toMatchObject({ state: 'draining', inFlight: 1 })
    expect(tally(await inTurns(20, 4, () => whoAnswers(gateway)))).toEqual({ [other.name]: 20 })
    expect(await takingCalls(gateway)).toEqual({ [one.url]: 0, [other.url]: 1 })
    held[0]?.end('finished')
    expect(await running).toBe('finished')
    const shown = async () => (await askAdmin(gateway, '/api/upstreams')).body
    await expect.poll(shown).toEqual([
      {
        name: 'app',
        targets: [
          {
            ...{ name: one.name, url: one.url, weight: 2, state: 'drained', inFlight: 0 },
            ...{ websockets: 0, latencyMs: expect.any(Number), ejectedUntil: null },
          },
          {
            ...{ name: other.name, url: other.url, weight: 1, state: 'up', inFlight: 0 },
            ...{ websockets: 0, latencyMs: expect.any(Number), ejectedUntil: null },
          },
        ],
      },
    ])

    expect(await takingCalls(gateway)).toEqual({ [one.url]: 0, [other.url]: 1 })

    expect((await askAdmin(gateway, drain, 'DELETE')).body).toMatchObject({ state: 'up' })
    expect(await takingCalls(gateway)).toEqual({ [one.url]: 1, [other.url]: 1 })
    const again = Array.from({ length: 3 }, () => whoAnswers(gateway))
    await expect.poll(() => held.length).toBe(3)
    for (const response of held) response.end('back')
    expect(tally(await Promise.all(again))).toEqual({ back: 2, [other.name]: 1 })

    const { body: trail } = await askAdmin(gateway, '/api/audit')
    expect(trail.map(({ action, subject }: Record<string, string>) => [action, subject])).toEqual([
      ['restore-target', `upstream:app/${one.name}`],
      ['drain-target', `upstream:app/${one.name}`],
    ])
    const states = log.filter(({ state }) => state !== undefined)
    expect(states.map(({ upstream, target, state }) => [upstream, target, state])).toEqual(
      ['draining', 'drained', 'up'].map((state) => ['app', one.url, state]),
    )
  })

  it('leaves 503 when it was the last, and a name that is not there is 404 with those that are', async () => {
    const one = opened.use(await startTarget(await freePort()))
    const gateway = opened.use(await openBalancedGateway({ targets: [{ url: one.url }] }))
    await askAdmin(gateway, `/api/upstreams/app/targets/${one.name}/drain`, 'PUT')
    const { status, headers } = await fetch(gateway.url)
    expect([status, headers.get('retry-after')]).toEqual([503, '10'])
    const { status: missing, body } = await askAdmin(gateway, '/api/upstreams/app/targets/x/drain', 'PUT')
    expect([missing, body.detail]).toEqual([404, expect.stringContaining(one.name)])
    expect((await askAdmin(gateway, '/api/upstreams/x/targets/x/drain', 'PUT')).status).toBe(404)
  })
})

describe('targets that are probed', () => {
  it('are taken out while they do not feel well, calls or not, and come back slowly', async () => {
    let health = 200
    const sick = opened.use(
      await startTarget(await freePort(), (request, response) => {
        response.statusCode = request.url === '/health' ? health : 200
        response.end('sick')
      }),
    )
    const other = opened.use(await startTarget(await freePort()))
    const probe = { path: '/health', every: '100ms', healthyAfter: 2, unhealthyAfter: 2 }
    const gateway = opened.use(
      await openBalancedGateway({
        targets: [{ url: sick.url }, { url: other.url }],
        upstream: { probe, slowStart: '1m' },
      }),
    )
    const share = async () => tally(await inTurns(100, 4, () => whoAnswers(gateway))).sick ?? 0
    expect(await share()).toBe(50)

    health = 500
    const states = async () =>
      (await askAdmin(gateway, '/api/upstreams')).body[0].targets.map(({ state }: { state: string }) => state)
    await expect.poll(states).toEqual(['unhealthy', 'up'])
    expect(await share()).toBe(0)
    const { body: metrics } = await askAdmin(gateway, '/metrics')
    expect(metrics).toContain(`guichet_upstream_up{upstream="app",target="${sick.url}"} 0`)
    expect(metrics).toContain(`guichet_upstream_up{upstream="app",target="${other.url}"} 1`)
    expect(await takingCalls(gateway)).toEqual({ [sick.url]: 0, [other.url]: 1 })

    health = 200
    await expect.poll(states).toEqual(['up', 'up'])
    expect(await takingCalls(gateway)).toEqual({ [sick.url]: 1, [other.url]: 1 })
    const warming = await share()
    expect(warming).toBeGreaterThan(0)
    // A tenth of its weight: one in eleven.
    expect(warming).toBeLessThan(20)
  })

  it('that do not answer in time are not well', async () => {
    const silent = opened.use(await startTarget(await freePort(), () => undefined))
    const probe = { path: '/', every: '100ms', timeout: '50ms', unhealthyAfter: 1 }
    const gateway = opened.use(
      await openBalancedGateway({ targets: [{ url: silent.url }], upstream: { probe } }),
    )
    await expect.poll(async () => (await fetch(gateway.url)).status).toBe(503)
  })
})
