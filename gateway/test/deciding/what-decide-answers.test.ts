import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EchoApp, startEchoApp } from '../echo-app.ts'
import { ask } from '../proxying/ask.ts'
import { sendRaw } from '../raw-http.ts'
import { ada, addAccount, type LoggedIn, logIn, openTestGateway, type TestGateway } from '../test-gateway.ts'

let app: EchoApp
let gateway: TestGateway
let caller: LoggedIn

beforeAll(async () => {
  app = await startEchoApp()
  gateway = await openTestGateway({
    upstream: app.url,
    config: {
      policies: {
        calls: { quota: 10, per: '10m', by: 'user' },
        visits: { quota: 2, per: '10m', by: 'address' },
      },
      login: { policies: [] },
      routes: [
        { path: '/site', upstream: 'app', access: 'public' },
        { path: '/visited', upstream: 'app', access: 'public', policies: ['visits'] },
        {
          path: '/api/vente',
          service: 'vente',
          upstream: 'app',
          access: 'connected',
          policies: ['calls'],
        },
      ],
    },
  })
  await addAccount(gateway)
  caller = await logIn(gateway)
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

/** As Traefik's manual says: always GET, without a body, these five headers and the client's own. */
const askAsTraefik = (uri: string, headers: Record<string, string> = {}, method = 'GET') =>
  ask(gateway.url, '/decide', {
    headers: {
      'x-forwarded-method': method,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'etu.example',
      'x-forwarded-uri': uri,
      'x-forwarded-for': '203.0.113.9',
      ...headers,
    },
  })

test('asked as Traefik asks, it says who calls and how much is left, and calls no app', async () => {
  const answer = await askAsTraefik('/api/vente/articles?page=2', caller.authorization, 'DELETE')
  expect(answer.status).toBe(204)
  expect(answer.body).toBe('')
  expect(answer.headers).toMatchObject({
    'x-forwarded-user': caller.account.id,
    'x-forwarded-email': ada.email,
    'x-forwarded-name': 'Ada Lovelace',
    'x-forwarded-groups': 'user',
    'ratelimit-policy': '"calls";q=10;w=600',
    'cache-control': 'no-store',
  })
  expect(answer.headers.ratelimit).toMatch(/^"calls";r=9;/)
  expect(app.seen).toEqual([])
})

test('an anonymous caller of a public route passes with empty names, so that made-up ones are overwritten', async () => {
  const answer = await askAsTraefik('/site/index.html', { 'x-forwarded-user': '1' })
  expect(answer.status).toBe(204)
  for (const name of ['user', 'email', 'name', 'groups']) {
    expect(answer.headers[`x-forwarded-${name}`]).toBe('')
  }
})

test('the session cookie counts as the bearer token does', async () => {
  const login = await fetch(`${gateway.url}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: ada.email, password: ada.password }),
  })
  const cookie = login.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const answer = await askAsTraefik('/api/vente', { cookie })
  expect(answer.headers).toMatchObject({ 'x-forwarded-user': caller.account.id })
})

test('a session that was ended gets 401 and no redirect, browsers too', async () => {
  const mine = await logIn(gateway)
  await fetch(`${gateway.url}/auth/logout`, { method: 'POST', headers: mine.authorization })
  const browser = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
  const answers = [
    await askAsTraefik('/api/vente', mine.authorization),
    await askAsTraefik('/api/vente', browser),
  ]
  for (const { status, headers } of answers) {
    expect(status).toBe(401)
    expect(headers['www-authenticate']).toMatch(/^Bearer/)
    expect(headers.location).toBeUndefined()
  }
})

test.each([
  ['a path in two readings', '/site/%2e%2e/api/vente', 'ambiguous-path'],
  ['no path at all', 'http://elsewhere.example/', 'ambiguous-path'],
  ['a path of no route', '/nowhere', 'not-found'],
])('%s is 403, which every server in front understands', async (_, uri, reason) => {
  const answer = await askAsTraefik(uri, caller.authorization)
  expect(answer.status).toBe(403)
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'call-refused', reason })
})

test.each([
  ['no description', []],
  ['no method', ['X-Forwarded-Uri: /site']],
  ['no address', ['X-Forwarded-Method: GET']],
  ['two addresses', ['X-Forwarded-Method: GET', 'X-Forwarded-Uri: /site', 'X-Forwarded-Uri: /api/vente']],
  ['a method that is none', ['X-Forwarded-Method: get it', 'X-Forwarded-Uri: /site']],
  ['another spelling', ['X-Forwarded-Method: GET', 'X_Forwarded_Uri: /site']],
])('%s is refused with what to send', async (_, lines) => {
  const head = ['GET /decide HTTP/1.1', 'Host: localhost', ...lines, 'Connection: close', '', ''].join('\r\n')
  const answer = await sendRaw(gateway.url, head)
  expect(answer.status).toBe(403)
  expect(JSON.parse(answer.body).detail).toMatch(/x-forwarded-(uri|method)/i)
})

test('whoever asks directly spends the places of its own address, not of one it names', async () => {
  const asked = []
  for (const address of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
    asked.push((await askAsTraefik('/visited', { 'x-forwarded-for': address })).status)
  }
  expect(asked).toEqual([204, 204, 429])
})

test('asked with any method and a body, it answers without reading it', async () => {
  for (const method of ['POST', 'PUT', 'PATCH']) {
    const answer = await ask(gateway.url, '/decide', {
      method,
      headers: {
        'content-type': 'application/xml',
        'x-forwarded-method': method,
        'x-forwarded-uri': '/site',
      },
      body: 'x'.repeat(100_000),
    })
    expect(answer.status, method).toBe(204)
  }
})
