import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, inject, it } from 'vitest'
import { call } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { addAccount, logIn, temporaryDirectory } from './test-gateway.ts'

const sessions = new URL('/27', inject('redisUrl')).href

/** Where Debian and its kin put it; the folder between is the machine's architecture. */
function faketimeLibrary(): string {
  const folders = ['/usr/lib', ...readdirSync('/usr/lib').map((name) => join('/usr/lib', name))]
  const found = folders
    .map((folder) => join(folder, 'faketime', 'libfaketime.so.1'))
    .find((file) => existsSync(file))
  if (found === undefined) throw new Error('libfaketime.so.1 is missing: apt-get install libfaketime')
  return found
}

const clock = (offset: string): Record<string, string> => ({
  LD_PRELOAD: faketimeLibrary(),
  FAKETIME: offset,
  // Timers are no part of this: they run on the monotonic clock, which nobody sets.
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
})

it('gateways whose clocks are an hour apart decide alike: the time is that of Redis', async () => {
  await using opened = new AsyncDisposableStack()
  const redis = new Redis(sessions)
  opened.defer(() => redis.disconnect())
  await redis.flushdb()
  const { path: directory } = opened.use(await temporaryDirectory())
  const app = opened.use(await startEchoApp())
  const place = {
    upstream: app.url,
    directory,
    sessions,
    config: {
      // Whether a token has expired is the one thing that each gateway reads from its own clock. So
      // the token is made by the slow one, and lives longer than the clocks are apart.
      identity: {
        keysDirectory: join(directory, 'keys'),
        accessTokenLifetime: '4h',
        sessionLifetime: '12h',
      },
      policies: {
        calls: { quota: 4, per: '10m', by: 'user' },
        short: { quota: 2, per: '2s', by: 'user' },
        logins: { quota: 1000, per: '10m', by: 'account' },
      },
      routes: [
        { path: '/', upstream: 'app', access: 'public' },
        { path: '/api/vente', upstream: 'app', access: 'connected', policies: ['calls'] },
        { path: '/api/achat', upstream: 'app', access: 'connected', policies: ['short'] },
      ],
    },
  }
  await addAccount({ directory })
  const [slow, fast] = await Promise.all(
    [
      { name: 'slow', env: clock('-90s') },
      { name: 'fast', env: clock('+1h') },
    ].map(async (one) => opened.use(await startGatewayProcess({ ...place, ...one }))),
  )
  if (!slow || !fast) throw new Error('two were started')
  const { authorization } = await logIn(slow)
  const ask = ({ url }: { url: string }, path = '/api/vente') => call(`${url}${path}`, authorization)

  // The clocks are what they are said to be.
  const dates = (await Promise.all([slow, fast].map(({ adminUrl }) => call(`${adminUrl}/livez`)))).map(
    ({ headers }) => Date.parse(headers.get('date') ?? ''),
  )
  expect((dates[0] as number) - Date.now()).toBeLessThan(-80_000)
  expect((dates[1] as number) - Date.now()).toBeGreaterThan(3_590_000)

  const turns = [fast, slow, fast, slow, fast, slow, slow, fast]
  const answers = []
  for (const gateway of turns) answers.push(await ask(gateway))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429, 429, 429])
  const remaining = answers.map(({ headers }) => /;r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1])
  expect(remaining).toEqual(['3', '2', '1', '0', '0', '0', '0', '0'])
  const waits = answers.slice(4).map(({ headers }) => Number(headers.get('retry-after')))
  // A second may pass between the first and the last of them.
  for (const wait of waits) expect([599, 600]).toContain(wait)
  expect(waits).toEqual(waits.toSorted((one, other) => other - one))

  // A window filled through one is empty again for the other when its time has passed, not before.
  for (const gateway of [fast, slow]) expect((await ask(gateway, '/api/achat')).status).toBe(200)
  const denied = await Promise.all([ask(slow, '/api/achat'), ask(fast, '/api/achat')])
  expect(denied.map(({ status }) => status)).toEqual([429, 429])
  await sleep(Number(denied[0].headers.get('retry-after')) * 1_000)
  for (const gateway of [slow, fast]) expect((await ask(gateway, '/api/achat')).status).toBe(200)
})
