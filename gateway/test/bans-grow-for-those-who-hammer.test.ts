import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { call, keepCalling, metricsOf, type SeenAnswer, statuses, sumOf } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { ada, addAccount, type LoggedIn, logIn, openTestGateway, type TestGateway } from './test-gateway.ts'

const config = {
  policies: {
    calls: { quota: 2, per: '1s', by: 'user', ban: { afterDenials: 3, for: '1s', atMost: '2s' } },
    firm: { quota: 2, per: '10s', by: 'user', ban: { afterDenials: 3, for: '1m' } },
    plain: { quota: 2, per: '1s', by: 'user' },
    logins: { quota: 1000, per: '10m', by: 'account' },
  },
  routes: [
    { path: '/api/vente', service: 'vente', upstream: 'app', access: 'connected', policies: ['calls'] },
    { path: '/api/firm', upstream: 'app', access: 'connected', policies: ['firm'] },
    { path: '/api/achat', service: 'achat', upstream: 'app', access: 'connected', policies: ['plain'] },
  ],
}
const people = ['bob', 'cleo', 'dora', 'emil'].map((name) => ({
  ...{ firstName: name, lastName: 'Martin', email: `${name}@etu.example`, password: ada.password },
}))

describe.each([
  { mode: 'two gateways on Redis', sessions: () => new URL('/43', inject('redisUrl')).href },
  { mode: 'one gateway with everything embedded', sessions: () => 'embedded' },
])('bans, with $mode', ({ sessions }) => {
  let opened: AsyncDisposableStack
  let one: TestGateway
  let other: TestGateway
  let callers: LoggedIn[]

  beforeAll(async () => {
    opened = new AsyncDisposableStack()
    const app = opened.use(await startEchoApp())
    const options = { upstream: app.url, sessions: sessions(), config }
    one = opened.use(await openTestGateway(options))
    other =
      sessions() === 'embedded'
        ? one
        : opened.use(await openTestGateway({ ...options, directory: one.directory }))
    callers = []
    for (const person of people) {
      await addAccount(one, person)
      callers.push(await logIn(one, person))
      await admin('DELETE', callers.at(-1) as LoggedIn)
    }
  })
  afterAll(() => opened.disposeAsync())

  const firm = (gateway: TestGateway, { authorization }: LoggedIn): Promise<SeenAnswer> =>
    call(`${gateway.url}/api/firm`, authorization)

  async function admin(method: string, { account }: LoggedIn) {
    const response = await fetch(`${one.adminUrl}/api/limits/u:${account.id}`, {
      method,
      headers: { authorization: `Bearer ${one.adminToken}` },
    })
    return (await response.json()) as { policies: { policy: string; bannedUntil: string | null }[] }
  }

  /** Goes on calling until it is banned; returns that answer. */
  async function hammer({ authorization }: LoggedIn, path = '/api/firm'): Promise<SeenAnswer> {
    for (let calls = 0; calls < 100; calls++) {
      const answer = await call(one.url + path, authorization)
      if (codeOf(answer) === 'abnormal-usage') return answer
    }
    throw new Error('100 calls in a row, and no ban')
  }

  test('who goes on after three refusals is banned, by name of the problem, on every gateway', async () => {
    const caller = callers[0] as LoggedIn
    const banned = await hammer(caller)
    expect(banned.status).toBe(429)
    expect(JSON.parse(banned.body)).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected',
      'violated-policies': ['firm'],
    })
    expect(codeOf(await firm(other, caller))).toBe('abnormal-usage')
    // Others, and what another policy counts, go on.
    expect((await firm(one, callers[1] as LoggedIn)).status).toBe(200)
    expect((await call(`${one.url}/api/achat`, caller.authorization)).status).toBe(200)
  })

  test('each ban is twice as long as the last, up to the longest, and ends when Retry-After says', async () => {
    const caller = callers[1] as LoggedIn
    const lengths: number[] = []
    for (let round = 0; round < 3; round++) {
      const banned = await hammer(caller, '/api/vente')
      const bannedAtMs = performance.now()
      const lengthMs = Number(banned.headers.get('retry-after')) * 1_000
      lengths.push(lengthMs / 1_000)
      // Hammering on does not make it longer: it is over when it was said to be.
      {
        await using load = keepCalling(`${one.url}/api/vente`, caller.authorization, {
          ...{ inFlight: 2, pauseMs: 20 },
        })
        await sleep(bannedAtMs + lengthMs - 300 - performance.now())
        expect(statuses(await load.stop())).toEqual({ 429: expect.any(Number) })
      }
      await sleep(bannedAtMs + lengthMs + 20 - performance.now())
      expect((await call(`${one.url}/api/vente`, caller.authorization)).status).toBe(200)
    }
    expect(lengths).toEqual([1, 2, 2])
  })

  test('a ban is answered from memory, and counted as denied', async () => {
    const caller = callers[2] as LoggedIn
    await hammer(caller)
    const before = await metricsOf(one)
    for (let calls = 0; calls < 5; calls++) expect(codeOf(await firm(one, caller))).toBe('abnormal-usage')
    const after = await metricsOf(one)
    const counted = (labels: Record<string, string>) =>
      sumOf(after, 'guichet_decisions_total', { policy: 'firm', decision: 'denied', ...labels }) -
      sumOf(before, 'guichet_decisions_total', { policy: 'firm', decision: 'denied', ...labels })
    expect(counted({})).toBe(5)
    // A store that was not heard for a moment is asked once in between.
    expect(counted({ tier: 'memory' })).toBeGreaterThan(0)
  })

  test('an operator sees until when, and lifts it on every gateway at once', async () => {
    const caller = callers[3] as LoggedIn
    await hammer(caller)
    expect(codeOf(await firm(other, caller))).toBe('abnormal-usage')
    const shown = (await admin('GET', caller)).policies.find(({ policy }) => policy === 'firm')
    const leftMs = Date.parse(String(shown?.bannedUntil)) - Date.now()
    expect(leftMs).toBeGreaterThan(30_000)
    expect(leftMs).toBeLessThanOrEqual(60_000)
    await admin('DELETE', caller)
    expect((await firm(other, caller)).status).toBe(200)
  })

  test('a policy without a ban refuses as ever, however many calls come', async () => {
    const { authorization } = callers[2] as LoggedIn
    const answers: SeenAnswer[] = []
    for (let calls = 0; calls < 100; calls++) answers.push(await call(`${one.url}/api/achat`, authorization))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(50)
    expect(new Set(refused.map(codeOf))).toEqual(new Set(['quota-exceeded']))
  })
})

const codeOf = ({ body }: SeenAnswer): string => {
  try {
    return String(JSON.parse(body).code)
  } catch {
    return ''
  }
}
