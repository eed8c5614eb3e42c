import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { hitsKey } from '../connections/redis-keys.ts'
import { keepCalling } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { startRedis } from './servers/redis.ts'
import { ada, addAccount, logIn, temporaryDirectory } from './test-gateway.ts'

/** Kept for good: what the statistics are made of. */
const keptForGood = [hitsKey.services, hitsKey.accounts, hitsKey.recent]

it('a gateway killed at any moment leaves no key behind that never goes', async () => {
  await using opened = new AsyncDisposableStack()
  const { path: directory } = opened.use(await temporaryDirectory())
  const app = opened.use(await startEchoApp())
  const server = opened.use(await startRedis())
  const [redis, hits] = [0, 1].map((db) => new Redis(server.url(db))) as [Redis, Redis]
  opened.defer(() => {
    redis.disconnect()
    hits.disconnect()
  })
  const place = { upstream: app.url, directory, sessions: server.url(0), hits: server.url(1) }
  await addAccount({ directory })

  for (let kill = 0; kill < 3; kill++) {
    await using gateway = await startGatewayProcess(place)
    const { authorization } = await logIn(gateway)
    await using _load = keepCalling(`${gateway.url}/api/vente`, authorization, { pauseMs: 1 })
    await using _logins = logInAgainAndAgain(gateway.url)
    await sleep(100 + Math.random() * 200)
    expect(await gateway.process.stop('SIGKILL')).toEqual({ kind: 'signal', signal: 'SIGKILL' })
    await redis.del(...(await redis.keys('*:window:calls')), 'nothing')
  }

  const withoutEnd: string[] = []
  const seen = await redis.keys('*')
  for (const key of seen) if ((await redis.pttl(key)) < 0) withoutEnd.push(key)
  for (const kind of [':session:', ':sessions', ':window:logins']) expect(seen.join()).toContain(kind)
  expect(withoutEnd).toEqual([])

  for (const key of await hits.keys('*')) {
    if (keptForGood.includes(key)) continue
    expect(key).toMatch(/^guichet:\{hits\}:sender:/)
    expect(await hits.ttl(key)).toBeGreaterThan(86_000)
  }
})

function logInAgainAndAgain(url: string): AsyncDisposable {
  let isStopped = false
  const { email, password } = ada
  const running = (async () => {
    while (!isStopped) {
      await fetch(`${url}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password }),
      }).then(
        (response) => response.arrayBuffer(),
        () => sleep(10),
      )
    }
  })()
  return {
    [Symbol.asyncDispose]: () => {
      isStopped = true
      return running.then(() => undefined)
    },
  }
}
