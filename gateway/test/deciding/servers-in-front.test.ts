import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { statuses } from '../calls.ts'
import { type EchoApp, startEchoApp } from '../echo-app.ts'
import { startCaddy, startNginx, type WebServer } from '../servers/web-servers.ts'
import { ada, addAccount, type LoggedIn, logIn, openTestGateway, type TestGateway } from '../test-gateway.ts'

const manual = readFileSync(new URL('../../limiting/DECIDE.md', import.meta.url), 'utf8')

/** An example of DECIDE.md as it stands there, with the addresses of the test. */
function example(language: string, app: EchoApp, gateway: TestGateway): string {
  const block = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(manual)?.[1] ?? ''
  return block
    .replaceAll('app:3000', new URL(app.url).host)
    .replaceAll('guichet:8080', new URL(gateway.url).host)
}

describe.each([
  { name: 'nginx', language: 'nginx', start: startNginx },
  { name: 'Caddy', language: 'caddyfile', start: startCaddy },
])('an app behind $name that asks /decide', ({ language, start }) => {
  let opened: AsyncDisposableStack | undefined
  let app: EchoApp
  let gateway: TestGateway
  let front: WebServer
  let caller: LoggedIn

  beforeAll(async () => {
    await using opening = new AsyncDisposableStack()
    app = opening.use(await startEchoApp())
    gateway = opening.use(
      await openTestGateway({
        upstream: app.url,
        config: {
          listen: {
            host: '127.0.0.1',
            port: 0,
            publicUrl: 'http://localhost',
            trustedProxies: ['127.0.0.1'],
          },
        },
      }),
    )
    await addAccount(gateway)
    front = opening.use(await start(example(language, app, gateway)))
    caller = await logIn(front)
    opened = opening.move()
  })
  afterAll(() => opened?.disposeAsync())

  const call = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${front.url}${path}`, init)
  const seenHeader = (name: string): string | undefined => {
    const { rawHeaders } = app.seen.at(-1) ?? { rawHeaders: [] }
    const at = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name)
    return at === -1 ? undefined : rawHeaders[at + 1]
  }

  test('a caller without a session gets 401 on a connected route, and the app hears nothing', async () => {
    const before = app.seen.length
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
    for (const init of [{}, { headers }, { headers: { authorization: 'Bearer forged' } }]) {
      const answer = await call('/api/vente/articles', init)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
    expect(app.seen.length).toBe(before)
  })

  test('ten calls pass, whatever their method and body, and the eleventh is told when to come back', async () => {
    const { authorization } = caller
    for (let made = 0; made < 9; made++) {
      const answer = await call(`/api/vente/articles?page=${made}`, { headers: authorization })
      expect(answer.status).toBe(200)
    }
    const body = JSON.stringify({ titre: 'un vélo' })
    const headers = { ...authorization, 'content-type': 'application/json' }
    const tenth = await call('/api/achat', { method: 'POST', headers, body })
    expect(tenth.status).toBe(200)
    expect(app.seen.at(-1)).toMatchObject({ method: 'POST', url: '/api/achat', body })
    expect(seenHeader('x-forwarded-user')).toBe(caller.account.id)

    const before = app.seen.length
    const eleventh = await call('/api/vente/articles', { headers: authorization })
    expect(eleventh.status).toBe(429)
    expect(Number(eleventh.headers.get('retry-after'))).toBeGreaterThan(590)
    expect(Number(eleventh.headers.get('retry-after'))).toBeLessThanOrEqual(600)
    expect(eleventh.headers.get('ratelimit')).toMatch(/^"calls";r=0;t=\d+$/)
    expect(eleventh.headers.get('ratelimit-policy')).toBe('"calls";q=10;w=600')
    expect(eleventh.headers.get('cache-control')).toBe('no-store')
    expect(await eleventh.json()).toMatchObject({
      status: 429,
      type: expect.stringContaining('quota-exceeded'),
    })
    expect(app.seen.length).toBe(before)

    const denied = await call('/api/vente/articles', { method: 'POST', headers, body })
    expect(denied.status).toBe(429)
    // The gateway counts the same window when it carries the call itself.
    expect((await fetch(`${gateway.url}/api/vente`, { headers: authorization })).status).toBe(429)
    // Nothing was counted for who is limited, and pages without a policy go on.
    expect((await call('/', { headers: authorization })).status).toBe(200)
  })

  test('a client cannot choose what is judged, nor who it is', async () => {
    const forged = {
      'x-forwarded-uri': '/',
      'x-forwarded-method': 'OPTIONS',
      'x-forwarded-user': '1',
      'x-forwarded-email': ada.email,
      'x-forwarded-groups': 'admin',
    }
    expect((await call('/api/vente', { headers: forged })).status).toBe(401)
    expect((await call('/', { headers: forged })).status).toBe(200)
    expect(seenHeader('x-forwarded-user') ?? '').toBe('')
  })

  test('a path that two readers could take differently does not get through', async () => {
    for (const path of ['/api%2fvente', '/public/..%2fapi/vente', '/api/vente;x']) {
      const answer = await call(path, { headers: caller.authorization })
      expect(answer.status, path).toBe(403)
    }
  })

  test('what passed is counted as hits of its service, and nothing else', async () => {
    const bearer = { authorization: `Bearer ${gateway.adminToken}` }
    const calls = async () =>
      (await (await fetch(`${gateway.adminUrl}/api/calls`, { headers: bearer })).json()) as object[]
    await expect.poll(async () => (await calls()).length).toBe(10)
    const seen = await calls()
    expect(seen[0]).toMatchObject({ service: 'achat', method: 'POST', path: '/api/achat' })
    expect(seen[1]).toMatchObject({ service: 'vente', method: 'GET', path: '/api/vente/articles' })
  })

  test('twenty calls at once: exactly ten of them pass', async () => {
    const person = { firstName: 'Bob', lastName: 'Martin', email: 'bob@etu.example', password: ada.password }
    await addAccount(gateway, person)
    const bob = await logIn(front, person)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call('/api/vente', { headers: bob.authorization })),
    )
    const seen = answers.map(({ status }) => ({ status }) as never)
    expect(statuses(seen)).toEqual({ 200: 10, 429: 10 })
  })
})
