import { Redis } from 'ioredis'
import { expect, inject, it } from 'vitest'
import { keepCalling, metricsOf, statuses, sumOf } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { addAccount, logIn, openTestGateway } from './test-gateway.ts'

const redisUrl = new URL('/25', inject('redisUrl')).href

it('SCRIPT FLUSH under traffic costs no call an error, and counts none twice', async () => {
  await using opened = new AsyncDisposableStack()
  const redis = new Redis(redisUrl)
  opened.defer(() => redis.disconnect())
  await redis.flushdb()
  const app = opened.use(await startEchoApp())
  const gateway = opened.use(
    await openTestGateway({
      upstream: app.url,
      sessions: redisUrl,
      config: {
        // Closed, so that a failure shows; the deadline is another test's.
        policies: {
          calls: { quota: 100_000, per: '10m', by: 'user', whenStoreIsDown: 'closed' },
          logins: { quota: 1000, per: '10m', by: 'account' },
        },
      },
    }),
  )
  await addAccount(gateway)
  const { authorization } = await logIn(gateway)

  await using load = keepCalling(`${gateway.url}/api/vente`, authorization, { pauseMs: 0 })
  for (let flushes = 0; flushes < 200; flushes++) {
    // Several in one go, so that some fall between calls that are on their way already.
    await Promise.all([redis.script('FLUSH'), redis.script('FLUSH'), redis.script('FLUSH')])
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const answers = await load.stop()

  expect(statuses(answers)).toEqual({ 200: answers.length })
  expect(sumOf(await metricsOf(gateway), 'guichet_store_errors_total', { store: 'sessions' })).toBe(0)
  const [key = ''] = await redis.keys('*window:calls')
  expect(await redis.llen(key)).toBe(answers.length)
})
