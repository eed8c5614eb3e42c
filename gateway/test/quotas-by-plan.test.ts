import { Redis } from 'ioredis'
import { describe, expect, inject, it } from 'vitest'
import { startEchoApp } from './echo-app.ts'
import { ada, addAccount, logIn, openTestGateway } from './test-gateway.ts'

const grace = { ...ada, firstName: 'Grace', email: 'grace@etu.example', plan: 'gold' }
const joan = { ...ada, firstName: 'Joan', email: 'joan@etu.example', plan: 'constructor' }
const sessions = new URL('/38', inject('redisUrl')).href

const config = {
  policies: {
    calls: { quota: 2, per: '10m', quotas: { gold: 5, admin: 9 } },
    logins: { quota: 2, per: '10m', by: ['header:X-Kiosk'], whenKeyIsMissing: 'skip' },
  },
  routes: [{ path: '/api', upstream: 'app', policies: ['calls'] }],
}

describe.each(['embedded', sessions])('with windows in %s', (place) => {
  it('each user has the quota of the own plan; the headers and /quota say so', async () => {
    if (place !== 'embedded') {
      const redis = new Redis(place)
      await redis.flushdb()
      redis.disconnect()
    }
    await using app = await startEchoApp()
    await using gateway = await openTestGateway({ upstream: app.url, sessions: place, config })
    const expected = [
      { person: ada, quota: 2 },
      { person: grace, quota: 5 },
      { person: joan, quota: 2 },
    ]
    for (const { person, quota } of expected) {
      await addAccount(gateway, person)
      const { authorization } = await logIn(gateway, person)
      const told = await fetch(`${gateway.url}/quota`, { headers: authorization })
      expect(await told.json()).toMatchObject({ policies: [{ name: 'calls', quota, remaining: quota }] })
      for (let left = quota - 1; left >= -1; left--) {
        const answer = await fetch(`${gateway.url}/api`, { headers: authorization })
        expect(answer.status, `${person.email}, ${left} left`).toBe(left < 0 ? 429 : 200)
        expect(answer.headers.get('ratelimit-policy')).toBe(`"calls";q=${quota};w=600`)
        expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"calls";r=${Math.max(left, 0)};t=\\d+$`))
      }
    }
  })
})

it('logins may be counted by a header: those without it are not, each value has its own window', async () => {
  await using app = await startEchoApp()
  await using gateway = await openTestGateway({
    upstream: app.url,
    config: { ...config, login: { policies: ['logins'] } },
  })
  const attempt = async (kiosk?: string): Promise<number> => {
    const headers = { 'content-type': 'application/json', ...(kiosk && { 'x-kiosk': kiosk }) }
    const body = JSON.stringify({ email: ada.email, password: 'wrong password' })
    return (await fetch(`${gateway.url}/auth/login`, { method: 'POST', headers, body })).status
  }
  expect([await attempt('a'), await attempt('a'), await attempt('a')]).toEqual([401, 401, 429])
  expect([await attempt('b'), await attempt()]).toEqual([401, 401])
})
