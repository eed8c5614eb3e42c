import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startRawApp } from '../proxying/raw-app.ts'
import { sendRaw } from '../raw-http.ts'
import { startRedis } from '../servers/redis.ts'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'
import { handshake } from './open-websocket.ts'
import { startWebsocketApp } from './websocket-app.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startWebsocketApp())
const gateway = opened.use(
  await openTestGateway({
    upstream: app.url,
    config: {
      policies: {
        one: { quota: 1, per: '10m', by: 'user' },
        logins: { quota: 1000, per: '10m', by: 'account' },
      },
      routes: [
        { path: '/', upstream: 'app', access: 'public' },
        { path: '/mine', upstream: 'app', access: 'connected' },
        { path: '/once', upstream: 'app', access: 'connected', policies: ['one'] },
      ],
    },
  }),
)
await addAccount(gateway)
const { accessToken, authorization } = await logIn(gateway)
const cookie = `guichet_access=${accessToken}`
afterAll(() => opened.disposeAsync())
beforeEach(() => {
  app.seen.length = 0
})

const ask = (path: string, lines: Record<string, string | null> = {}) =>
  sendRaw(gateway.url, handshake(path, lines))

const codeOf = ({ body }: { body: string }): string => (JSON.parse(body) as { code: string }).code

describe('a handshake that the road refuses gets an ordinary answer on a connection that is then closed', () => {
  it('401 without a session', async () => {
    const answer = await ask('/mine')
    expect([answer.status, codeOf(answer), answer.isClosed]).toEqual([401, 'unauthenticated', true])
    expect(answer.head).toMatch(/^content-type: application\/problem\+json/im)
    expect(answer.head).toMatch(/^www-authenticate: Bearer/im)
    expect(answer.head).toMatch(/^connection: close/im)
  })

  it('403 when a page of another site opens it with our cookie, whatever the route; not with a token', async () => {
    for (const path of ['/mine', '/']) {
      const answer = await ask(path, { Cookie: cookie, Origin: 'https://evil.example' })
      expect([answer.status, codeOf(answer), answer.isClosed]).toEqual([403, 'cross-site', true])
    }
    expect(app.seen).toEqual([])
    const withToken = { Authorization: authorization.authorization, Origin: 'https://evil.example' }
    expect((await ask('/mine', withToken)).status).toBe(101)
    expect((await ask('/mine', { Cookie: cookie, Origin: 'http://gateway.example' })).status).toBe(101)
  })

  it('429 over the limit, with the headers of any 429', async () => {
    const bearer = { Authorization: authorization.authorization }
    expect((await ask('/once', bearer)).status).toBe(101)
    const answer = await ask('/once', bearer)
    expect([answer.status, codeOf(answer), answer.isClosed]).toEqual([429, 'quota-exceeded', true])
    expect(answer.head).toMatch(/^retry-after: \d+/im)
    expect(answer.head).toMatch(/^ratelimit: "one";r=0;t=\d+/im)
    expect(answer.head).toMatch(/^cache-control: no-store/im)
    expect(app.seen).toHaveLength(1)
  })

  it('400 for a path that can be read in two ways', async () => {
    const answer = await ask('/a/../mine')
    expect([answer.status, codeOf(answer), answer.isClosed]).toEqual([400, 'ambiguous-path', true])
  })

  it('503 when the policy is closed while its store is away', async () => {
    await using redis = await startRedis()
    await using closed = await openTestGateway({
      upstream: app.url,
      sessions: redis.url(),
      config: {
        policies: {
          all: { quota: 5, per: '10m', by: 'address', whenStoreIsDown: 'closed' },
          logins: { quota: 1000, per: '10m', by: 'account' },
        },
        routes: [{ path: '/', upstream: 'app', access: 'public', policies: ['all'] }],
      },
    })
    expect((await sendRaw(closed.url, handshake('/'))).status).toBe(101)
    await redis[Symbol.asyncDispose]()
    const answer = await sendRaw(closed.url, handshake('/'))
    expect([answer.status, codeOf(answer), answer.isClosed]).toEqual([503, 'store-unavailable', true])
    expect(answer.head).toMatch(/^retry-after: \d+/im)
    expect(answer.head).toMatch(/^connection: close/im)
    expect(app.seen).toHaveLength(1)
  })

  it('503 when more runs than may', async () => {
    const waiting = Promise.withResolvers<Socket>()
    await using slow = await startRawApp((socket) => waiting.resolve(socket))
    await using full = await openTestGateway({ upstream: slow.url, config: { limits: { maxInFlight: 1 } } })
    const first = sendRaw(full.url, handshake('/'))
    const socket = await waiting.promise
    const answer = await sendRaw(full.url, handshake('/'))
    expect([answer.status, codeOf(answer), answer.isClosed]).toEqual([503, 'overloaded', true])
    expect(answer.head).toMatch(/^retry-after: 1\r?$/im)
    socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
    expect((await first).status).toBe(404)
  })

  it('the gateway’s own endpoints answer as ever', async () => {
    const answer = await ask('/auth/me')
    expect([answer.status, answer.isClosed]).toEqual([401, true])
  })

  it('what was sent after a handshake that is refused is nobody’s request', async () => {
    const { body, status } = await sendRaw(
      gateway.url,
      `${handshake('/mine')}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    )
    expect(status).toBe(401)
    expect(body).not.toContain('HTTP/1.1')
  })
})

describe('only 101 for this very handshake opens a tunnel', () => {
  const behind = (url: string) => openTestGateway({ upstream: url })

  it.each([
    ['a version that is none', { 'Sec-WebSocket-Version': '12' }, 400],
    ['no key', { 'Sec-WebSocket-Key': null }, 400],
  ])('%s: the app’s own refusal is passed on, and the connection closed', async (_, lines, status) => {
    const answer = await ask('/', lines)
    expect([answer.status, answer.isClosed]).toEqual([status, true])
    expect(app.seen).toEqual([])
  })

  it.each([
    [
      'a 426 of the app',
      'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 3\r\n\r\nold',
      [426, 'old'],
    ],
    ['a 200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-App: yes\r\n\r\nok', [200, 'ok']],
    ['a 200 without a length', 'HTTP/1.0 200 OK\r\n\r\nto the end', [200, 'to the end']],
  ])('%s is passed on, and nothing of what follows', async (_, bytes, [status, body]) => {
    await using raw = await startRawApp((socket) => void socket.end(bytes))
    await using other = await behind(raw.url)
    const answer = await sendRaw(other.url, `${handshake('/')}HELLO`)
    expect([answer.status, answer.isClosed]).toEqual([status, true])
    expect(answer.body).toContain(body)
    expect(raw.received.join()).not.toContain('HELLO')
  })

  const acceptOf = (key: string): string =>
    createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const good = `Sec-WebSocket-Accept: ${acceptOf('dGhlIHNhbXBsZSBub25jZQ==')}`

  it.each([
    ['for another key', 'Upgrade: websocket\r\nSec-WebSocket-Accept: AAAA'],
    ['without an accept', 'Upgrade: websocket'],
    ['to something else', `Upgrade: h2c\r\n${good}`],
  ])('a 101 %s is 502, and the app’s connection is closed', async (_, fields) => {
    await using raw = await startRawApp(
      (socket) =>
        void socket.write(`HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n${fields}\r\n\r\nHELLO`),
    )
    await using other = await behind(raw.url)
    const answer = await sendRaw(other.url, handshake('/'))
    expect([answer.status, codeOf(answer), answer.isClosed]).toEqual([502, 'upstream-broken', true])
    await expect.poll(() => raw.openConnections()).toBe(0)
  })

  it.each(['042 Low', '999 High'])('an answer with the status %s is 502', async (line) => {
    await using raw = await startRawApp(
      (socket) => void socket.end(`HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`),
    )
    await using other = await behind(raw.url)
    const answer = await sendRaw(other.url, handshake('/'))
    expect([answer.status, codeOf(answer), answer.isClosed]).toEqual([502, 'upstream-broken', true])
  })

  it('what the app sends with its 101, and the client with its handshake, arrives', async () => {
    await using raw = await startRawApp((socket, request) => {
      if (!request.startsWith('GET')) return
      const head = `HTTP/1.1 101 Switching\r\nConnection: Upgrade, X-Hop\r\nX-Hop: 1\r\nX-App: 1\r\nUpgrade: websocket\r\n${good}`
      socket.write(`${head}\r\n\r\n\x81\x02hi`, 'latin1')
    })
    await using other = await behind(raw.url)
    const answer = await sendRaw(other.url, `${handshake('/')}\x81\x82\0\0\0\0yo`)
    expect([answer.status, answer.body]).toEqual([101, '\x81\x02hi'])
    expect(answer.head).toMatch(/^x-app: 1/im)
    expect(answer.head).toMatch(/^connection: upgrade\r$/im)
    expect(answer.head).not.toMatch(/x-hop/i)
    expect(raw.received[0]).toMatch(/\r\n\r\n\x81\x82\0\0\0\0yo$/)
  })

  it('a target that cannot be reached costs nothing: another one is asked, with all that the client has sent', async () => {
    await using raw = await startRawApp((socket, request) => {
      if (request.startsWith('GET'))
        socket.write(`HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${good}\r\n\r\n`)
    })
    const targets = [{ url: 'http://127.0.0.1:1' }, { url: raw.url }]
    await using other = await openTestGateway({ upstream: '', config: { upstreams: { app: { targets } } } })
    for (let i = 0; i < 4; i++) {
      expect((await sendRaw(other.url, `${handshake('/')}\x81\x82\0\0\0\0yo`)).status).toBe(101)
      expect(raw.received[i]).toMatch(/\r\n\r\n\x81\x82\0\0\0\0yo$/)
    }
  })

  it('an app that is away is 502, one that does not answer 504', async () => {
    await using away = await behind('http://127.0.0.1:1')
    const refused = await sendRaw(away.url, handshake('/'))
    expect([refused.status, codeOf(refused), refused.isClosed]).toEqual([502, 'upstream-unreachable', true])
    await using silent = await startRawApp(() => {})
    await using other = await openTestGateway({
      upstream: silent.url,
      config: { upstreams: { app: { url: silent.url, connectTimeout: '1s', responseTimeout: '300ms' } } },
    })
    const late = await sendRaw(other.url, handshake('/'))
    expect([late.status, codeOf(late), late.isClosed]).toEqual([504, 'upstream-timeout', true])
    await expect.poll(() => silent.openConnections()).toBe(0)
  })

  it('the target reaches the app byte for byte', async () => {
    for (const target of ['/a?', '/a?x?y&&=%20', "/A(b)'~!$/", '/%C3%A9?q=%2F..']) {
      expect((await ask(target)).status).toBe(101)
      expect(app.seen.at(-1)?.url).toBe(target)
    }
  })
})

describe('what is no WebSocket handshake is an ordinary request', () => {
  it.each([
    ['with a body', 'Content-Length: 3', 'abc'],
    ['in HTTP/1.0', null, ''],
    ['behind a request that is not answered yet', null, ''],
  ])('%s', async (what, line, body) => {
    const lines = line === null ? {} : { 'Content-Length': '3' }
    let bytes = handshake('/', lines) + body
    if (what.includes('1.0')) bytes = bytes.replace('HTTP/1.1', 'HTTP/1.0')
    if (what.startsWith('behind')) bytes = `GET /first HTTP/1.1\r\nHost: a\r\n\r\n${bytes}`
    const answer = await sendRaw(gateway.url, bytes)
    expect(answer.status).toBe(200)
    expect(answer.body).toContain('plain')
    expect(answer.head + answer.body).not.toContain(' 101 ')
    expect(app.seen).toEqual([])
  })
})
