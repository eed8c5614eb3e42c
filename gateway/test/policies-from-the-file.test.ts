import { describe, expect, it } from 'vitest'
import { metricsOf, sumOf } from './calls.ts'
import { type Answer, startEchoApp } from './echo-app.ts'
import { ada, addAccount, logIn, openTestGateway } from './test-gateway.ts'

type Policy = Record<string, unknown>
type Ask = (path?: string, headers?: Record<string, string>) => Promise<Response>

/** A gateway whose one policy is `policy`, on two public routes and one that wants a session. */
async function open(policy: Policy, route: object = {}, answer?: Answer) {
  const opening = new AsyncDisposableStack()
  const app = opening.use(await startEchoApp(answer))
  const config = {
    policies: { p: { quota: 2, per: '10m', by: 'address', ...policy } },
    login: { policies: [] },
    routes: [
      { path: '/', upstream: 'app', access: 'public', policies: ['p'], ...route },
      { path: '/other', upstream: 'app', access: 'public', policies: ['p'], ...route },
      { path: '/own', upstream: 'app', policies: ['p'], ...route },
    ],
  }
  const lines: Record<string, unknown>[] = []
  const onLog = (line: string) => void lines.push(JSON.parse(line))
  const gateway = opening.use(await openTestGateway({ upstream: app.url, config, onLog }))
  const ask: Ask = async (path = '/', headers = {}) => {
    const response = await fetch(gateway.url + path, { headers })
    await response.arrayBuffer().catch(() => {})
    return response
  }
  return { app, gateway, ask, lines, [Symbol.asyncDispose]: () => opening.disposeAsync() }
}

const statuses = async (ask: Ask, count: number, ...of: Parameters<Ask>): Promise<number[]> => {
  const seen: number[] = []
  for (let i = 0; i < count; i++) seen.push((await ask(...of)).status)
  return seen
}

const codeOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { code: string }).code

describe('what a policy in the file says is what the gateway does', () => {
  it.each(['log', 'counter', 'gcra'])('%s admits its quota', async (algorithm) => {
    await using at = await open({ algorithm })
    expect(await statuses(at.ask, 3)).toEqual([200, 200, 429])
  })

  it('a burst is how many may come at once', async () => {
    await using at = await open({ algorithm: 'gcra', quota: 10, burst: 1 })
    expect(await statuses(at.ask, 2)).toEqual([200, 429])
  })

  it('calls that run at once are limited, and those that have ended are not', async () => {
    const held: (() => void)[] = []
    await using at = await open({ algorithm: 'concurrent' }, {}, ({ url }, response) => {
      if (url === '/other') held.push(() => response.end())
      else response.end()
    })
    const running = [at.ask('/other'), at.ask('/other')]
    await expect.poll(() => held.length).toBe(2)
    const refused = await at.ask()
    expect([refused.status, refused.headers.get('ratelimit-policy')]).toEqual([
      429,
      '"p";q=2;qu="concurrent-requests"',
    ])
    for (const end of held) end()
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200])
    await expect.poll(async () => (await at.ask()).status).toBe(200)
  })

  it('a cost takes so many places', async () => {
    await using at = await open({ quota: 5 }, { cost: 2 })
    expect(await statuses(at.ask, 3)).toEqual([200, 200, 429])
  })

  it('a cost that the app reports is taken, and not shown to the caller', async () => {
    await using at = await open({ quota: 5, costHeader: 'X-Cost' }, {}, (_request, response) => {
      response.writeHead(200, { 'x-cost': '5' }).end()
    })
    expect((await at.ask()).headers.get('x-cost')).toBeNull()
    await expect.poll(async () => (await at.ask()).status).toBe(429)
    expect(at.app.seen.length).toBeLessThan(5)
  })

  it('what failed is given back, and only that', async () => {
    await using at = await open({ refund: [503] }, {}, (request, response) => {
      response.writeHead(request.url === '/other' ? 503 : 200).end()
    })
    const remaining = async (): Promise<unknown> => {
      const told = (await (await fetch(`${at.gateway.url}/quota`)).json()) as { policies: object[] }
      return told.policies[0]
    }
    for (let i = 0; i < 4; i++) {
      expect((await at.ask('/other')).status).toBe(503)
      await expect.poll(remaining).toMatchObject({ remaining: 2 })
    }
    expect(await statuses(at.ask, 3)).toEqual([200, 200, 429])
  })

  it('each value of a header has a window of its own, whatever its spelling in the file', async () => {
    await using at = await open({ by: 'header:X-Api-Key' })
    expect(await statuses(at.ask, 3, '/', { 'x-api-key': 'a' })).toEqual([200, 200, 429])
    expect(await statuses(at.ask, 1, '/', { 'X-API-KEY': 'b' })).toEqual([200])
  })

  it('a call without the header is counted by address, let through or refused, as the file says', async () => {
    await using byAddress = await open({ by: 'header:x-key' })
    expect(await statuses(byAddress.ask, 3)).toEqual([200, 200, 429])
    await using skipping = await open({ by: 'header:x-key', whenKeyIsMissing: 'skip' })
    expect(await statuses(skipping.ask, 3)).toEqual([200, 200, 200])
    await using denying = await open({ by: ['address', 'header:x-key'], whenKeyIsMissing: 'deny' })
    const refused = await fetch(denying.gateway.url)
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'key-missing'])
    expect(denying.app.seen).toEqual([])
  })

  it('several keys share a window only together', async () => {
    await using at = await open({ by: ['role', 'header:x-key'] })
    await addAccount(at.gateway, ada)
    const { authorization } = await logIn(at.gateway)
    expect(await statuses(at.ask, 3, '/', { 'x-key': 'a' })).toEqual([200, 200, 429])
    expect(await statuses(at.ask, 1, '/', { 'x-key': 'b' })).toEqual([200])
    expect(await statuses(at.ask, 3, '/own', { 'x-key': 'a', ...authorization })).toEqual([200, 200, 429])
  })

  it('routes share the windows of a policy, unless each has its own', async () => {
    await using shared = await open({})
    expect([...(await statuses(shared.ask, 2)), (await shared.ask('/other')).status]).toEqual([200, 200, 429])
    await using apart = await open({ scope: 'route' })
    expect([...(await statuses(apart.ask, 3)), (await apart.ask('/other')).status]).toEqual([
      200, 200, 429, 200,
    ])
  })

  it('a shadow lets all pass and tells the operator alone, in the figures and in the log', async () => {
    await using at = await open({ mode: 'shadow' })
    expect(await statuses(at.ask, 4)).toEqual([200, 200, 200, 200])
    expect((await at.ask()).headers.get('ratelimit')).toBeNull()
    const denied = { policy: 'p', decision: 'shadow_denied' }
    expect(sumOf(await metricsOf(at.gateway), 'guichet_decisions_total', denied)).toBe(3)
    const told = () => at.lines.filter(({ msg }) => msg === 'request').map((line) => line.shadowDenied)
    await expect.poll(told).toEqual([[], [], ['p'], ['p'], ['p']])
  })

  it('who goes on after many denials is banned for longer', async () => {
    await using at = await open({ per: '30s', ban: { afterDenials: 2, for: '1h' } })
    await statuses(at.ask, 4)
    const banned = await fetch(at.gateway.url)
    expect([banned.status, await codeOf(banned)]).toEqual([429, 'abnormal-usage'])
    expect(Number(banned.headers.get('retry-after'))).toBeGreaterThan(3_590)
  })
})
