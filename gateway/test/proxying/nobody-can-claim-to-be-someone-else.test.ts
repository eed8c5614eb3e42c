import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { sendRaw } from '../raw-http.ts'
import { ada, addAccount, logIn, openTestGateway, testConfig } from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startEchoApp())
const config = {
  policies: {
    calls: { quota: 1000, per: '10m', by: 'user' },
    visits: { quota: 3, per: '10m', by: 'address' },
    logins: { quota: 1000, per: '10m', by: 'account' },
  },
  routes: [
    { path: '/', upstream: 'app', access: 'public' },
    { path: '/api', upstream: 'app', access: 'connected', policies: ['calls'] },
    { path: '/visit', upstream: 'app', access: 'public', policies: ['visits'] },
  ],
}
const gateway = opened.use(await openTestGateway({ upstream: app.url, config }))
const listen = testConfig({ upstream: app.url, directory: gateway.directory }).listen as object
const behindProxy = opened.use(
  await openTestGateway({
    upstream: app.url,
    directory: gateway.directory,
    config: { ...config, listen: { ...listen, trustedProxies: '127.0.0.0/8' } },
  }),
)
await addAccount(gateway)
const bob = { firstName: 'Bob', lastName: 'B', email: 'bob@etu.example', password: 'another engine' }
await addAccount(gateway, bob)
const { accessToken, account, authorization } = await logIn(gateway)
const bobsToken = (await logIn(gateway, bob)).accessToken
afterAll(() => opened.disposeAsync())
beforeEach(() => {
  app.seen.length = 0
})

/** Sends the lines, and returns what the app received, as `name: value` in lower case and in order. */
async function received(
  lines: readonly string[],
  { url }: { url: string } = gateway,
  path = '/api',
): Promise<string[]> {
  const head = [`GET ${path} HTTP/1.1`, 'Host: shop.example', 'Connection: close', ...lines].join('\r\n')
  const { status } = await sendRaw(url, `${head}\r\n\r\n`)
  expect(status).toBe(200)
  const raw = app.seen.at(-1)?.rawHeaders ?? []
  return raw.flatMap((name, i) => (i % 2 === 0 ? [`${name.toLowerCase()}: ${raw[i + 1]}`] : []))
}

const bearer = `Authorization: ${authorization.authorization}`
const about = (lines: readonly string[], name: RegExp) => lines.filter((line) => name.test(line))

describe('who calls is said by the gateway alone', () => {
  it.each([
    [['X-Forwarded-User: 1']],
    [['x-forwarded-USER: 1', 'x-forwarded-USER: 2']],
    [['X_Forwarded_User: 1']],
    [['X.Forwarded.User: 1']],
    [['X-Forwarded_User: 1', 'X-Forwarded-user: 2', 'x_forwarded-groups: admin']],
    [['Connection: X-Forwarded-User, X-Forwarded-Groups, X-Request-Id']],
    [['Connection: X-Forwarded-User', 'X-Forwarded-User: 1']],
    [
      [
        'Remote-User: root',
        'X-User-Id: 1',
        'X_USER_ID: 1',
        'X-Remote-User: root',
        'X-Auth-Request-User: root',
      ],
    ],
  ])('whatever the client sends: %j', async (lines) => {
    const seen = about(await received([bearer, ...lines]), /user|groups|email/)
    expect(seen.toSorted()).toEqual([
      `x-forwarded-email: ${ada.email}`,
      'x-forwarded-groups: user',
      `x-forwarded-user: ${account.id}`,
    ])
  })

  it('a name that ends in a space is no header name: 400', async () => {
    const answer = await sendRaw(gateway.url, 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-User : 1\r\n\r\n')
    expect([answer.status, answer.isClosed, app.seen]).toEqual([400, true, []])
  })

  it('not even a proxy that is trusted may name the caller', async () => {
    const seen = await received(['X-Forwarded-User: 1', 'X-Forwarded-Groups: admin'], behindProxy, '/')
    expect(about(seen, /user|groups/)).toEqual([])
  })

  it('a request id or a trace of the client’s own choice is not believed', async () => {
    const seen = about(
      await received([bearer, 'X-Request-Id: mine', 'traceparent: 00-1-1-01']),
      /request-id|traceparent/,
    )
    expect(seen).toHaveLength(2)
    expect(seen.join()).not.toMatch(/mine|00-1-1-01/)
  })
})

describe('where a call comes from is said by the gateway alone', () => {
  const forged = [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: gopher',
    'X-Forwarded-Port: 1',
    'X-Forwarded-Prefix: /evil',
    'Forwarded: for=6.6.6.6;host=evil.example',
    'X-Real-IP: 6.6.6.6',
    'True-Client-IP: 6.6.6.6',
  ]

  it('a stranger’s claims are replaced', async () => {
    const seen = about(
      await received([bearer, ...forged]),
      /^(x-forwarded-(?!user|email|name|groups)|forwarded|x-real|true-)/,
    )
    expect(seen.toSorted()).toEqual([
      'forwarded: for=127.0.0.1;host="shop.example";proto=http',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-host: shop.example',
      'x-forwarded-proto: http',
    ])
  })

  it('they do not reach redirects either', async () => {
    const head = `GET /api HTTP/1.1\r\nHost: shop.example\r\nAccept: text/html\r\n${forged.join('\r\n')}\r\nConnection: close\r\n\r\n`
    const answer = await sendRaw(gateway.url, head)
    expect(answer.status).toBe(303)
    expect(answer.head + answer.body).not.toMatch(/evil|gopher/)
  })

  it('a trusted proxy’s are kept, and its address is added', async () => {
    const { authorization } = await logIn(behindProxy)
    const bearer = `Authorization: ${authorization.authorization}`
    const lines = [
      'X-Forwarded-For: 198.51.100.7',
      'X-Forwarded-Host: shop.example.org',
      'X-Forwarded-Proto: https',
    ]
    const seen = about(
      await received([bearer, ...lines], behindProxy),
      /^(x-forwarded-(for|host|proto)|forwarded)/,
    )
    expect(seen.toSorted()).toEqual([
      'forwarded: for=198.51.100.7;host="shop.example.org";proto=https',
      'x-forwarded-for: 198.51.100.7, 127.0.0.1',
      'x-forwarded-host: shop.example.org',
      'x-forwarded-proto: https',
    ])
  })

  it('a policy by address counts the real peer, whatever 200 addresses it claims to be', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) {
      const claims = Array.from({ length: 200 }, (_, n) => `10.${i}.0.${n}`).join(', ')
      const head = `GET /visit HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${claims}\r\nForwarded: for=10.9.9.${i}\r\nX-Real-IP: 10.8.8.${i}\r\nConnection: close\r\n\r\n`
      statuses.push((await sendRaw(gateway.url, head)).status)
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429])
  })

  it('behind a trusted proxy it counts the last address that is not the proxy’s', async () => {
    const visit = (claims: string) =>
      sendRaw(
        behindProxy.url,
        `GET /visit HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${claims}\r\nConnection: close\r\n\r\n`,
      )
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) statuses.push((await visit(`6.6.6.${i}, 203.0.113.1`)).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    expect((await visit('203.0.113.1, ::ffff:203.0.113.2, 127.0.0.9')).status).toBe(200)
  })
})

it('no header may name another path or method than the one that was matched', async () => {
  const seen = await received([
    bearer,
    'X-Original-URL: /admin',
    'X_Original_URL: /admin',
    'X-Rewrite-URL: /admin',
    'X-Original-URI: /admin',
    'X-HTTP-Method-Override: DELETE',
    'X-HTTP-Method: DELETE',
    'X-Method-Override: DELETE',
  ])
  expect(about(seen, /original|rewrite|method|delete|admin/i)).toEqual([])
})

describe('the session stays with the gateway', () => {
  it('as a bearer token', async () => {
    expect(about(await received([bearer]), /^(?!x-guichet-assertion).*(authorization|eyJ)/)).toEqual([])
  })

  it('as a cookie, while those of the app pass', async () => {
    const seen = await received([
      `Cookie: theme=dark; guichet_access=${accessToken}; guichet_refresh=r`,
      'Cookie: b=2',
    ])
    expect(about(seen, /^(?!x-guichet-assertion).*(cookie|eyJ)/)).toEqual(['cookie: theme=dark; b=2'])
  })

  it('on public paths too, and when the cookie is worth nothing', async () => {
    const seen = await received(['Cookie: guichet_access=stale'], gateway, '/')
    expect(about(seen, /cookie|guichet_/)).toEqual([])
  })
})

describe('two identities in one request are refused', () => {
  it.each([
    ['two Authorization headers', [bearer, `Authorization: Bearer ${bobsToken}`]],
    ['two of the same kind of nobody', ['Authorization: Basic YTpi', 'Authorization: Basic YTpj']],
    ['a cookie and a bearer token of different users', [bearer, `Cookie: guichet_access=${bobsToken}`]],
    [
      'two session cookies of different users',
      [`Cookie: guichet_access=${accessToken}; guichet_access=${bobsToken}`],
    ],
  ])('%s', async (_, lines) => {
    for (const path of ['/', '/api']) {
      const head = [`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close', ...lines].join('\r\n')
      const answer = await sendRaw(gateway.url, `${head}\r\n\r\n`)
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([400, 'ambiguous-credentials'])
    }
    expect(app.seen).toEqual([])
  })

  it('the same one twice is one', async () => {
    expect(
      about(await received([bearer, `Cookie: guichet_access=${accessToken}`]), /forwarded-user/),
    ).toEqual([`x-forwarded-user: ${account.id}`])
  })
})
