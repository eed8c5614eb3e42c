import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { sendRaw } from '../raw-http.ts'
import { openTestGateway } from '../test-gateway.ts'
import { startRawApp } from './raw-app.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const isWhole = /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$/
const opened = new AsyncDisposableStack()
const app = opened.use(
  await startRawApp((socket, request) => {
    if (!/chunked/.test(wire()) || isWhole.test(wire()) || request.startsWith('GET')) socket.write(ok)
  }),
)
const { url } = opened.use(await openTestGateway({ upstream: app.url }))
afterAll(() => opened.disposeAsync())
let before: number[] = []
beforeEach(() => {
  before = app.received.map(({ length }) => length)
})

/** What has reached the app since the test began, by connection. */
const wires = (): string[] =>
  app.received.map((text, index) => text.slice(before[index] ?? 0)).filter((text) => text !== '')
const wire = (): string => wires().join('')

const send = (bytes: string) => sendRaw(url, bytes, 30)

const post = (trailers: string, headers = '', body = '5\r\nhello\r\n'): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${headers}Transfer-Encoding: chunked\r\n\r\n${body}0\r\n${trailers}\r\n`

describe('trailers of a request', () => {
  it('reach the app behind its body, with their announcement', async () => {
    const bytes = post('X-Sum: abc\r\nRepr-Digest: sha-256=:x:\r\n', 'Trailer: X-Sum, Repr-Digest\r\n')
    expect((await send(bytes)).status).toBe(200)
    expect(wire()).toMatch(/\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, repr-digest\r\n\r\n5\r\n/)
    expect(wire()).toMatch(/\r\nhello\r\n0\r\nx-sum: abc\r\nrepr-digest: sha-256=:x:\r\n\r\n$/)
  })

  it.each([
    ['that nobody announced', 'X-Sum: abc\r\n', 'x-sum: abc\r\n'],
    ['with bytes outside ASCII', 'X-Name: \xc3\xa9t\xe9\r\n', 'x-name: \xc3\xa9t\xe9\r\n'],
    ['without a value', 'X-Empty:\r\n', 'x-empty: \r\n'],
    ['that are sent twice', 'X-A: 1\r\nx-a: 2\r\n', 'x-a: 1\r\nx-a: 2\r\n'],
    ['named as what every object has', 'Constructor: 1\r\n', 'constructor: 1\r\n'],
  ])('%s pass as they are', async (_, sent, passed) => {
    expect((await send(post(sent))).status).toBe(200)
    expect(wire().endsWith(`0\r\n${passed}\r\n`), wire()).toBe(true)
  })

  it('of a body that is empty pass, too', async () => {
    expect((await send(post('X-Sum: abc\r\n', '', ''))).status).toBe(200)
    expect(wire()).toMatch(/\r\n\r\n0\r\nx-sum: abc\r\n\r\n$/)
  })

  it('leave the connection to the app as good as before', async () => {
    const bytes = post('X-Sum: abc\r\n')
    await send(bytes)
    await send(bytes.replace('abc', 'def'))
    expect(wires()).toHaveLength(1)
    expect(wire().match(/x-sum: \w+/g)).toEqual(['x-sum: abc', 'x-sum: def'])
  })

  it('are announced only where they can follow', async () => {
    await send('POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nhi')
    await send('GET / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\n\r\n')
    expect(wire()).toMatch(/^POST [\s\S]*GET /)
    expect(wire()).not.toMatch(/trailer|x-sum/i)
  })
})

describe('never a trailer', () => {
  const names = [
    'Content_Length Transfer_Encoding Trailer TE Connection Keep-Alive Upgrade HTTP2-Settings',
    'Content-Type Content-Encoding Content-Range Cache-Control Accept-Encoding Range If-Match Expect',
    'Host Via Max-Forwards Forwarded X-Forwarded-For X-Forwarded-Host X-Original-URL X-HTTP-Method-Override',
    'Authorization Proxy-Authorization Cookie Set-Cookie Origin Sec-Fetch-Site',
    'X-Forwarded-User X-Guichet-Assertion X-User-Id Remote-User X-Real-IP X-Request-Id traceparent RateLimit',
    'X!Forwarded!User __proto__',
  ].flatMap((line) => line.split(' '))
  const inOtherSpellings = names.flatMap((name) => [name.replaceAll('-', '_'), name.replaceAll('-', '.')])

  it.each([...new Set([...names, ...inOtherSpellings])])('%s', async (name) => {
    const bytes = post(`X-Before: 1\r\n${name}: forged\r\nX-After: 2\r\n`, `Trailer: ${name}, X-After\r\n`)
    expect((await send(bytes)).status).toBe(200)
    expect(wire()).toMatch(/\r\ntrailer: x-after\r\n/)
    expect(wire()).toMatch(/\r\n0\r\nx-before: 1\r\nx-after: 2\r\n\r\n$/)
  })

  it('what the client’s Connection names (RFC 9110 §7.6.1)', async () => {
    const headers = 'Connection: keep-alive, X-Hop\r\nTrailer: X-Hop\r\n'
    expect((await send(post('X-Hop: 1\r\nX-End: 2\r\n', headers))).status).toBe(200)
    expect(wire()).toMatch(/\r\n0\r\nx-end: 2\r\n\r\n$/)
    expect(wire()).not.toMatch(/x-hop|\ntrailer/i)
  })

  it.each([
    ['a length', 'Content-Length: 5\r\n', 400],
    ['a coding', 'Transfer-Encoding: chunked\r\n', 400],
    ['a bare CR', 'X-A: a\rX-Forwarded-User: 1\r\n', 400],
    ['a bare LF', 'X-A: a\nX-Forwarded-User: 1\r\n', 400],
    ['a NUL', 'X-A: a\0\r\n', 400],
    ['a folded line', 'X-A: a\r\n X-Forwarded-User: 1\r\n', 400],
    ['a name with a space', 'X-A : a\r\n', 400],
    ['17 kB', `X-A: ${'a'.repeat(17_000)}\r\n`, 431],
    ['17 kB of many', Array.from({ length: 100 }, (_, i) => `X-${i}: ${'a'.repeat(170)}\r\n`).join(''), 431],
    ['201 lines', 'X: 1\r\n'.repeat(201), 431],
    ['3,000 lines', 'X: 1\r\n'.repeat(3_000), 431],
  ])('%s: refused, and the app has no whole request', async (_, trailers, status) => {
    const answer = await send(post(trailers))
    expect(answer.status, answer.head).toBe(status)
    expect(wire()).not.toMatch(isWhole)
    expect(wire()).not.toMatch(/x-a|x-forwarded-user/i)
  })
})

describe('the app hears', () => {
  const get = (headers: string, method = 'GET') => `${method} / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`

  it.each([
    'TE: trailers\r\n',
    'TE: Trailers\r\nConnection: TE\r\n',
    'TE: gzip;q=0.5, trailers\r\nConnection: close, TE\r\n',
    'TE: trailers , deflate\r\n',
  ])('of a client with %j that it takes trailers, and no more', async (headers) => {
    expect((await send(get(headers))).status).toBe(200)
    expect(wire()).toMatch(/\r\nconnection: keep-alive, TE\r\nte: trailers\r\n/)
    expect(wire()).not.toMatch(/gzip|deflate/)
  })

  it.each([
    ['without TE', get('')],
    ['that takes other codings', get('TE: gzip, deflate\r\nConnection: TE\r\n')],
    ['that takes what is only called so', get('TE: x-trailers, trailers-x\r\n')],
    ['of HTTP/1.0', get('TE: trailers\r\n').replace('1.1', '1.0')],
    ['that asks for the head alone', get('TE: trailers\r\n', 'HEAD')],
  ])('nothing of the kind of a client %s', async (_, bytes) => {
    expect((await send(bytes)).status).toBe(200)
    expect(wire()).toMatch(/\r\nconnection: keep-alive\r\n/)
    expect(wire()).not.toMatch(/\nte:|trailers/i)
  })
})
