import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { call, callAtOnce, statuses } from '../calls.ts'
import { type EchoApp, startEchoApp } from '../echo-app.ts'
import { startProcess } from '../servers/child-process.ts'
import { addAccount, type LoggedIn, logIn, openTestGateway, type TestGateway } from '../test-gateway.ts'

const main = fileURLToPath(new URL('../../main.ts', import.meta.url))
const lines: Record<string, unknown>[] = []

const config = {
  policies: {
    calls: { quota: 3, per: '10m', by: 'user' },
    each: { quota: 5, per: '1h', by: 'user', scope: 'service', quotas: { user: 4 } },
    visits: { quota: 1000, per: '1m', by: 'address', algorithm: 'counter' },
    trial: { quota: 1, per: '1m', by: 'user', mode: 'shadow' },
    logins: { quota: 1000, per: '10m', by: 'account' },
  },
  routes: [
    {
      path: '/api/vente',
      service: 'vente',
      upstream: 'app',
      access: 'connected',
      policies: ['calls', 'each', 'trial', 'visits'],
    },
    { path: '/api/achat', service: 'achat', upstream: 'app', access: 'connected', policies: ['each'] },
  ],
}

let app: EchoApp
let opened: AsyncDisposableStack
let one: TestGateway
let other: TestGateway
let caller: LoggedIn
let subject: string

describe.each([
  { mode: 'two gateways on Redis', sessions: () => new URL('/41', inject('redisUrl')).href },
  { mode: 'one gateway with everything embedded', sessions: () => 'embedded' },
])('limits of one subject, with $mode', ({ sessions }) => {
  beforeAll(async () => {
    opened = new AsyncDisposableStack()
    app = opened.use(await startEchoApp())
    const options = {
      ...{ upstream: app.url, sessions: sessions(), config },
      onLog: (line: string) => void lines.push(JSON.parse(line)),
    }
    one = opened.use(await openTestGateway(options))
    await addAccount(one)
    const isShared = sessions() !== 'embedded'
    other = isShared ? opened.use(await openTestGateway({ ...options, directory: one.directory })) : one
    caller = await logIn(one)
    subject = `u:${caller.account.id}`
    await admin('DELETE', `/api/limits/${subject}`)
  })
  afterAll(() => opened.disposeAsync())

  test('every window of the subject is shown as it is', async () => {
    await call(`${one.url}/api/vente`, caller.authorization)
    const answer = await admin('GET', `/api/limits/${encodeURIComponent('email:ADA@etu.example')}`)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      subject,
      account: { id: caller.account.id, email: 'ada@etu.example', firstName: 'Ada', lastName: 'Lovelace' },
    })
    const still = { boostedUntil: null, bannedUntil: null }
    const windows = answer.body.policies as Record<string, unknown>[]
    expect(windows.map(({ resetSeconds, ...window }) => window)).toEqual([
      {
        ...{ policy: 'calls', bucket: 'calls', algorithm: 'log', scope: 'policy', isShadow: false },
        ...{ quota: 3, windowSeconds: 600, remaining: 2, ...still },
      },
      {
        ...{ policy: 'each', bucket: 'each@vente', algorithm: 'log', scope: 'service', isShadow: false },
        ...{ quota: 4, windowSeconds: 3600, remaining: 3, ...still },
      },
      {
        ...{ policy: 'each', bucket: 'each@achat', algorithm: 'log', scope: 'service', isShadow: false },
        ...{ quota: 4, windowSeconds: 3600, remaining: 4, ...still },
      },
      {
        ...{ policy: 'trial', bucket: 'trial', algorithm: 'log', scope: 'policy', isShadow: true },
        ...{ quota: 1, windowSeconds: 60, remaining: 0, ...still },
      },
    ])
    expect(windows[0]?.resetSeconds).toBeGreaterThan(590)
    expect(windows[2]?.resetSeconds).toBe(0)
    const byAddress = await admin('GET', '/api/limits/address:127.0.0.1')
    expect(byAddress.body.policies).toContainEqual(expect.objectContaining({ policy: 'visits', quota: 1000 }))
  })

  test('looking counts nothing', async () => {
    const remaining = async () => (await admin('GET', `/api/limits/${subject}`)).body.policies[0].remaining
    expect([await remaining(), await remaining(), await remaining()]).toEqual([2, 2, 2])
  })

  test('a denied caller passes on the other gateway right after a reset', async () => {
    await exhaust(other)
    const answer = await admin('DELETE', `/api/limits/${subject}?policy=calls&reason=phoned`)
    expect(answer.body).toMatchObject({ reset: ['calls'] })
    expect(answer.body.policies[0]).toMatchObject({ remaining: 3, resetSeconds: 0 })
    expect((await call(`${other.url}/api/vente`, caller.authorization)).status).toBe(200)
    // The other policy was left alone.
    expect(answer.body.policies[1].remaining).toBe(1)
    expect((await admin('DELETE', `/api/limits/${subject}`)).body.policies[1].remaining).toBe(4)
  })

  test('and right after a boost, up to the new quota and not beyond', async () => {
    await exhaust(other)
    const answer = await admin('PUT', `/api/limits/${subject}/boost`, {
      ...{ policy: 'calls', quota: 4, forSeconds: 3600, reason: 'a demonstration' },
    })
    expect(answer.body).toMatchObject({ boosted: ['calls'] })
    const [calls] = answer.body.policies
    expect(calls).toMatchObject({ quota: 4, remaining: 1 })
    const leftMs = Date.parse(calls.boostedUntil) - Date.now()
    expect(leftMs).toBeGreaterThan(3_590_000)
    expect(leftMs).toBeLessThanOrEqual(3_600_000)
    const next = [
      await call(`${other.url}/api/vente`, caller.authorization),
      await call(`${other.url}/api/vente`, caller.authorization),
    ]
    expect(next.map(({ status }) => status)).toEqual([200, 429])
    expect(next[0]?.headers.get('ratelimit-policy')).toContain('"calls";q=4;w=600')
    await admin('DELETE', `/api/limits/${subject}`)
    expect((await admin('GET', `/api/limits/${subject}`)).body.policies[0]).toMatchObject({
      ...{ quota: 3, remaining: 3, boostedUntil: null },
    })
  })

  test('what was done, by which way, to whom and why is kept, and logged as a warning', async () => {
    const { status, body } = await admin('GET', '/api/audit?limit=4')
    expect(status).toBe(200)
    const entries = body as unknown as Record<string, unknown>[]
    expect(entries.map(({ action, policy, reason }) => [action, policy, reason])).toEqual([
      ['reset', null, ''],
      ['boost', 'calls', 'a demonstration'],
      ['reset', null, ''],
      ['reset', 'calls', 'phoned'],
    ])
    expect(entries[1]).toMatchObject({
      via: 'admin API',
      peer: '127.0.0.1',
      subject,
      quota: 4,
      forSeconds: 3600,
    })
    expect(Date.parse(String(entries[0]?.at))).toBeGreaterThan(Date.now() - 60_000)
    const logged = lines.find(({ msg }) => msg === 'limits changed: boost')
    expect(logged).toMatchObject({ level: 40, subject, reason: 'a demonstration', via: 'admin API' })
  })

  test.each([
    ['GET', '/api/limits/42', 400, /Write user:42/],
    ['GET', '/api/limits/email:nobody@etu.example', 404, /login:ADDRESS/],
    ['DELETE', '/api/limits/u:1?policy=visits', 400, /Name one of calls, each, trial\./],
    ['DELETE', '/api/limits/u:1?policy=nope', 400, /No policy "nope" counts u:1/],
    ['GET', '/api/audit?limit=0', 400, /whole number from 1 to 1000/],
  ])('%s %s is refused with the cure', async (method, path, status, detail) => {
    const answer = await admin(method, path)
    expect(answer.status).toBe(status)
    expect(answer.body.detail).toMatch(detail)
  })

  test.each([
    ['no body', undefined, /policy must be/],
    ['no reason', { policy: 'calls', quota: 5, forSeconds: 60 }, /reason must be/],
    ['a blank reason', { policy: 'calls', quota: 5, forSeconds: 60, reason: '  ' }, /reason must be/],
    ['no quota', { policy: 'calls', quota: 0, forSeconds: 60, reason: 'x' }, /quota must be/],
    ['half a call', { policy: 'calls', quota: 1.5, forSeconds: 60, reason: 'x' }, /quota must be/],
    ['no time', { policy: 'calls', quota: 5, forSeconds: 0, reason: 'x' }, /forSeconds must be/],
    ['401 days', { policy: 'calls', quota: 5, forSeconds: 401 * 86_400, reason: 'x' }, /400 days/],
    ['a policy of others', { policy: 'visits', quota: 5, forSeconds: 60, reason: 'x' }, /Name one of/],
  ])('a boost with %s is refused with the cure, and changes nothing', async (_, body, detail) => {
    const before = (await admin('GET', '/api/audit')).body
    const answer = await admin('PUT', `/api/limits/${subject}/boost`, body)
    expect(answer.status).toBe(400)
    expect(answer.body.detail).toMatch(detail)
    expect((await admin('GET', '/api/audit')).body).toEqual(before)
  })

  test('the command line does the same', async () => {
    await exhaust(other)
    const shown = await guichet('show', 'email:ada@etu.example')
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toMatch(new RegExp(`^${subject} \\(Ada Lovelace, ada@etu.example\\)$`, 'm'))
    expect(shown.stdout).toMatch(/^calls +log +3 +600s +0 +\d+s$/m)

    const boost = ['boost', subject, '--policy', 'calls', '--quota', '9', '--for', '2h', '--reason', 'exam']
    const boosted = await guichet(...boost)
    expect(boosted).toMatchObject({ code: 0, stderr: '' })
    expect(boosted.stdout).toMatch(/^boosted calls$/m)
    expect(boosted.stdout).toMatch(/^calls +log +9 +600s +6 +\d+s +boosted until 2\d{3}-/m)
    const reset = await guichet('reset', subject, '--reason', 'over')
    expect(reset.stdout).toMatch(/^reset calls, each@vente, each@achat, trial$/m)
    expect(reset.stdout).toMatch(/^calls +log +3 +600s +3 +0s$/m)
    expect((await call(`${other.url}/api/vente`, caller.authorization)).status).toBe(200)
    const entries = (await admin('GET', '/api/audit?limit=2')).body as unknown as object[]
    expect(entries).toMatchObject([
      { via: 'CLI', action: 'reset', reason: 'over' },
      { via: 'CLI', action: 'boost', quota: 9, forSeconds: 7200, reason: 'exam' },
    ])
  })

  test('the command line tells what to do when it cannot', async () => {
    expect(await guichet('boost', subject, '--policy', 'calls')).toMatchObject({
      ...{ code: 64, stderr: expect.stringContaining('add --quota and --for and --reason.') },
    })
    expect(await guichet('show')).toMatchObject({ code: 64, stderr: expect.stringContaining('SUBJECT') })
    expect(await guichet('show', 'nobody')).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('Write user:42') },
    })
    const away = await guichet('show', subject, '--admin', 'http://127.0.0.1:9')
    expect(away).toMatchObject({ code: 1, stderr: expect.stringContaining('--admin URL') })
  })

  /** Until it is denied, and once more so that the denial is remembered. */
  async function exhaust(gateway: TestGateway): Promise<void> {
    await callAtOnce(3, [gateway.url].map(asVente), caller.authorization)
    const denied = await callAtOnce(2, [gateway.url].map(asVente), caller.authorization)
    expect(statuses(denied)).toEqual({ 429: 2 })
  }
})

const asVente = (url: string): string => `${url}/api/vente`

async function admin(method: string, path: string, body?: object) {
  const headers = { authorization: `Bearer ${one.adminToken}` }
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(`${one.adminUrl}${path}`, {
    method,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...json,
  })
  // biome-ignore lint/suspicious/noExplicitAny: what the API answers is what is tested
  return { status: response.status, body: (await response.json()) as any }
}

async function guichet(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const place = args.includes('--admin') ? [] : ['--admin', one.adminUrl]
  await using ran = await startProcess(main, ['limits', ...args, ...place], {
    env: { GUICHET_ADMIN_TOKEN: one.adminToken },
    cwd: join(one.directory),
  })
  const exit = await ran.ended
  return { code: exit.kind === 'exit' ? exit.code : -1, stdout: ran.stdout, stderr: ran.stderr }
}
