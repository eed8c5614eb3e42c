import { Redis } from 'ioredis'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { ada, addAccount, openTestGateway } from '../test-gateway.ts'

const redisUrl = new URL('/62', inject('redisUrl')).href
const redis = new Redis(redisUrl)
afterAll(() => redis.disconnect())

const policies = {
  calls: { quota: 10, per: '10m', by: 'user' },
  logins: { quota: 10, per: '10m', by: 'account' },
  'login-addresses': { quota: 500, per: '10m', by: 'address' },
}
const config = { policies, login: { policies: ['logins', 'login-addresses'] } }

describe.each([
  { mode: 'in process', sessions: 'embedded' },
  { mode: 'on Redis', sessions: redisUrl },
])('ten logins in ten minutes, $mode', ({ sessions }) => {
  async function open() {
    await redis.flushdb()
    await using opening = new AsyncDisposableStack()
    const app = opening.use(await startEchoApp())
    const gateway = opening.use(await openTestGateway({ upstream: app.url, sessions, config }))
    await addAccount(gateway)
    const opened = opening.move()
    const logIn = (password: string = ada.password): Promise<Response> =>
      fetch(`${gateway.url}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: ada.email, password }),
      })
    return { logIn, [Symbol.asyncDispose]: () => opened.disposeAsync() }
  }

  it('are the successful ones: mistakes use none of them up', async () => {
    await using bench = await open()
    for (let login = 1; login <= 10; login++) {
      expect((await bench.logIn('a wrong password')).status).toBe(401)
      const answer = await bench.logIn()
      expect(answer.status).toBe(200)
      expect(answer.headers.get('ratelimit')).toMatch(
        new RegExp(`"login-addresses";r=${500 - 2 * login};t=\\d+, "logins";r=${10 - login};`),
      )
    }
    const denied = await bench.logIn()
    expect(denied.status).toBe(429)
    expect(Number(denied.headers.get('retry-after'))).toBeGreaterThan(590)
    expect(await denied.json()).toMatchObject({ code: 'quota-exceeded', 'violated-policies': ['logins'] })
  })

  it('never tell by the full window whether a password is right', async () => {
    await using bench = await open()
    for (let login = 1; login <= 10; login++) expect((await bench.logIn()).status).toBe(200)
    const shown = await Promise.all([bench.logIn(), bench.logIn('a wrong password')])
    const [right, guess] = await Promise.all(
      shown.map(async (answer) => ({
        ...((await answer.json()) as object),
        requestId: '',
        status: answer.status,
      })),
    )
    expect(right).toMatchObject({ status: 429 })
    expect(guess).toEqual(right)
  })

  it('are never eleven, however many come at once', async () => {
    await using bench = await open()
    const answers = await Promise.all(Array.from({ length: 15 }, () => bench.logIn()))
    const passed = answers.filter(({ status }) => status === 200)
    expect(passed.length).toBeGreaterThan(0)
    for (let more = 0; more < 11; more++)
      if ((await bench.logIn()).status === 200) passed.push(answers[0] as Response)
    expect(passed).toHaveLength(10)
  })

  it('are nobody else’s business: a refusal does not say how many are left', async () => {
    await using bench = await open()
    await bench.logIn()
    const refused = await bench.logIn('a wrong password')
    expect(refused.headers.get('ratelimit')).toMatch(/^"login-addresses";r=498;t=\d+$/)
  })
})
