import { expect, it } from 'vitest'
import { call } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { readEvents } from './event-reader.ts'
import { startRedis } from './servers/redis.ts'
import { addAccount, logIn, openTestGateway } from './test-gateway.ts'

it.each(['local', 'closed'])(
  '/quota answers without Redis as a call would be, and counts nothing (%s)',
  async (whenStoreIsDown) => {
    await using redis = await startRedis()
    await using app = await startEchoApp()
    await using gateway = await openTestGateway({
      upstream: app.url,
      sessions: redis.url(),
      config: {
        policies: { calls: { quota: 3, per: '10m', by: 'user', whenStoreIsDown } },
        login: { policies: [] },
        routes: [{ path: '/', upstream: 'app', policies: ['calls'] }],
      },
    })
    await addAccount(gateway)
    const { authorization } = await logIn(gateway)
    await using reader = await readEvents(`${gateway.url}/quota/events`, authorization)
    expect((await reader.next('quota')).data).toMatchObject({ isDegraded: false })
    await redis.kill()
    for (let i = 0; i < 8; i++) {
      const answer = await call(`${gateway.url}/quota`, authorization)
      expect(answer.durationMs).toBeLessThan(1_000)
      if (whenStoreIsDown === 'closed') {
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
      } else {
        expect(answer.status).toBe(200)
        expect(JSON.parse(answer.body)).toMatchObject({ isDegraded: true, policies: [{ remaining: 3 }] })
      }
    }
    if (whenStoreIsDown === 'local') {
      expect((await reader.next('quota')).data).toMatchObject({
        isDegraded: true,
        policies: [{ remaining: 3 }],
      })
    }
    await redis.restart()
    // The sessions went with the Redis that was killed; the stream ends with them.
    await reader.ended
  },
)
