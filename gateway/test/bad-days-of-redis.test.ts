import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { windowKey } from '../connections/redis-keys.ts'
import { call, metricsOf, type SeenAnswer, sumOf } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { type PrivateRedis, startRedis } from './servers/redis.ts'
import { addAccount, type LoggedIn, logIn, openTestGateway, type TestGateway } from './test-gateway.ts'

const kinds = ['local', 'closed'] as const
const quota = 3

interface Day extends AsyncDisposable {
  readonly server: PrivateRedis
  /** Straight to the server. */
  readonly redis: Redis
  readonly gateway: TestGateway
  readonly caller: LoggedIn
  readonly log: readonly Record<string, unknown>[]
  ask(kind: (typeof kinds)[number]): Promise<SeenAnswer>
  isUp(): Promise<number>
}

async function openDay(args: string[] = []): Promise<Day> {
  await using opening = new AsyncDisposableStack()
  const app = opening.use(await startEchoApp())
  const server = opening.use(await startRedis({ args }))
  const redis = opening.adopt(new Redis(server.url()), (client) => client.disconnect())
  redis.on('error', () => undefined)
  const log: Record<string, unknown>[] = []
  const gateway = opening.use(
    await openTestGateway({
      upstream: app.url,
      sessions: server.url(),
      onLog: (line) => log.push(JSON.parse(line)),
      config: {
        policies: {
          ...Object.fromEntries(
            kinds.map((kind) => [kind, { quota, per: '10m', by: 'user', whenStoreIsDown: kind }]),
          ),
          logins: { quota: 1000, per: '10m', by: 'account' },
        },
        routes: kinds.map((kind) => ({
          path: `/${kind}`,
          upstream: 'app',
          access: 'connected',
          policies: [kind],
        })),
        log: { level: 'info' },
      },
    }),
  )
  await addAccount(gateway)
  const caller = await logIn(gateway)
  const opened = opening.move()
  return {
    server,
    redis,
    gateway,
    caller,
    log,
    ask: (kind) => call(`${gateway.url}/${kind}`, caller.authorization),
    isUp: async () => sumOf(await metricsOf(gateway), 'guichet_store_up', { store: 'sessions' }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

const changesOfState = (log: Day['log']): string[] =>
  log.flatMap(({ msg }) =>
    /^the store of .* is away/.test(String(msg))
      ? ['away']
      : /^the store of .* is back/.test(String(msg))
        ? ['back']
        : [],
  )

const becomeReplica = async ({ redis }: Day): Promise<void> => {
  await redis.replicaof('127.0.0.1', 1)
}

describe.each<[string, { goBad: (day: Day) => unknown; mend: (day: Day) => unknown }]>([
  [
    'became a replica and refuses to write',
    { goBad: becomeReplica, mend: ({ redis }) => redis.replicaof('NO', 'ONE') },
  ],
  [
    'is full and throws nothing away',
    {
      goBad: ({ redis }) => redis.config('SET', 'maxmemory', '1'),
      mend: ({ redis }) => redis.config('SET', 'maxmemory', '0'),
    },
  ],
  [
    'runs an endless script of someone',
    {
      goBad: async ({ server }) => {
        const someone = new Redis(server.url(), { retryStrategy: null })
        someone.on('error', () => undefined)
        void someone.eval('while true do end', 0).catch(() => undefined)
        await new Promise((resolve) => setTimeout(resolve, 300))
        someone.disconnect()
      },
      mend: ({ redis }) => redis.script('KILL' as never),
    },
  ],
])('a Redis that %s', (_, { goBad, mend }) => {
  it('is a store that is away: each policy says what happens, without a 500 and without flapping, until it is well', async () => {
    await using day = await openDay(['--busy-reply-threshold', '100'])
    expect(await day.ask('local')).toMatchObject({ status: 200 })
    expect(await day.isUp()).toBe(1)

    await goBad(day)
    const seen: SeenAnswer[] = []
    // Longer than several probes, each of which must fail.
    const untilMs = performance.now() + 1_500
    while (performance.now() < untilMs) {
      seen.push(await day.ask('closed'))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([503]))
    expect(Math.max(...seen.map(({ durationMs }) => durationMs))).toBeLessThan(1_000)
    expect(await day.ask('local')).toMatchObject({ status: 200 })
    expect(await day.isUp()).toBe(0)
    expect(changesOfState(day.log)).toEqual(['away'])
    expect((await fetch(`${day.gateway.adminUrl}/readyz`)).status).toBe(503)

    await mend(day)
    await expect.poll(day.isUp, { timeout: 5_000 }).toBe(1)
    expect(await day.ask('closed')).toMatchObject({ status: 200 })
    expect(changesOfState(day.log)).toEqual(['away', 'back'])
    // Two calls of `local`: one before, one made alone and told afterwards.
    expect(await day.redis.llen(windowKey(`u:${day.caller.account.id}`, 'local'))).toBe(2)
  })
})

it('FLUSHALL in the middle of a window gives new windows after a new login, and breaks nothing else', async () => {
  await using day = await openDay()
  for (const status of [200, 200, 200, 429, 429]) expect(await day.ask('local')).toMatchObject({ status })
  await day.redis.flushall()
  // The session is gone as well, and a remembered denial is asked again within a second.
  await expect.poll(async () => (await day.ask('local')).status, { timeout: 3_000 }).toBe(401)
  const again = await logIn(day.gateway)
  const answers = []
  for (let i = 0; i < 4; i++) answers.push(await call(`${day.gateway.url}/local`, again.authorization))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
  expect(changesOfState(day.log)).toEqual([])
})

it('what evicts keys when it is full is told at the start, once, with the cure', async () => {
  for (const [args, count] of [
    [['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'], 1],
    [['--maxmemory', '100mb', '--maxmemory-policy', 'volatile-ttl'], 1],
    [['--maxmemory', '100mb', '--maxmemory-policy', 'noeviction'], 0],
  ] as const) {
    await using day = await openDay([...args])
    for (let i = 0; i < 3; i++) await day.ask('local')
    const warnings = day.log.filter(({ msg }) => /throws keys away/.test(String(msg)))
    expect(
      warnings.map(({ level }) => level),
      args.join(' '),
    ).toEqual(Array(count).fill(40))
    if (count > 0) expect(warnings[0]?.msg).toMatch(/set maxmemory-policy noeviction/)
  }
})

it('a password that is refused is one clear line at the start; the gateway runs, is not ready, and comes back', async () => {
  await using opened = new AsyncDisposableStack()
  const app = opened.use(await startEchoApp())
  const server = opened.use(await startRedis({ password: 'right' }))
  const lines: string[] = []
  const gateway = opened.use(
    await openTestGateway({
      upstream: app.url,
      sessions: server.url().replace('right', 'wr0ng-secret'),
      onLog: (line) => lines.push(line),
    }),
  )
  const about = lines.filter((line) => /password/.test(line))
  expect(about).toHaveLength(1)
  expect(JSON.parse(about[0] as string).msg).toMatch(
    /^starting without the store of sessions: redis:\/\/127\.0\.0\.1:\d+\/0: the password is refused; put the right one into the URL$/,
  )
  expect(lines.join()).not.toContain('wr0ng-secret')
  expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(503)
  expect((await fetch(`${gateway.adminUrl}/livez`)).status).toBe(200)
  expect((await fetch(`${gateway.url}/`)).status).toBe(200)
  expect(sumOf(await metricsOf(gateway), 'guichet_store_up', { store: 'sessions' })).toBe(0)

  const admin = opened.adopt(new Redis(server.url()), (client) => client.disconnect())
  await admin.config('SET', 'requirepass', 'wr0ng-secret')
  await expect
    .poll(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status, { timeout: 5_000 })
    .toBe(200)
})

it('guichet_store_up follows the connection while nobody calls', async () => {
  await using day = await openDay()
  expect(await day.isUp()).toBe(1)
  await day.server.kill()
  await expect.poll(day.isUp, { timeout: 2_000 }).toBe(0)
  await day.server.restart()
  await expect.poll(day.isUp, { timeout: 3_000 }).toBe(1)
})

it('a session that was ended is refused; while the store is away its token goes on, and only for the rest of its life', async () => {
  await using day = await openDay()
  expect(await day.ask('local')).toMatchObject({ status: 200 })
  await fetch(`${day.gateway.url}/auth/logout`, { method: 'POST', headers: day.caller.authorization })
  expect(await day.ask('local')).toMatchObject({ status: 401 })

  await day.server.kill()
  await expect.poll(async () => (await day.ask('local')).status, { timeout: 5_000 }).toBe(200)
  expect(await day.ask('closed')).toMatchObject({ status: 503 })
  const [, payload = ''] = day.caller.accessToken.split('.')
  const { iat, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  expect(exp - iat).toBeLessThanOrEqual(15 * 60)
  // Nobody can prolong it meanwhile.
  const refresh = await fetch(`${day.gateway.url}/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refreshToken: day.caller.refreshToken }),
  })
  expect(refresh.status).toBe(503)
})
