import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { sendRaw } from '../raw-http.ts'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'
import { startRawApp } from './raw-app.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startEchoApp())
const gateway = opened.use(await openTestGateway({ upstream: app.url }))
const { url } = gateway
afterAll(() => opened.disposeAsync())
beforeEach(() => {
  app.seen.length = 0
})

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

/** What every refusal has: a problem, no-store, a closed connection, and an app that heard nothing. */
async function expectRefusal(bytes: string, status: number): Promise<string> {
  const answer = await sendRaw(url, bytes, 50)
  expect(answer.status, answer.head).toBe(status)
  expect(answer.head).toMatch(/content-type: application\/problem\+json/i)
  expect(answer.head).toMatch(/cache-control: no-store/i)
  expect(app.seen).toEqual([])
  const problem = JSON.parse(answer.body)
  expect(problem).toMatchObject({ status, type: expect.any(String), title: expect.any(String) })
  return problem.code
}

describe('a malformed request is 400, ends its connection and hides no second one', () => {
  const post = (headers: string, body = `0\r\n\r\n${smuggled}`) =>
    `POST / HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n${body}`
  const chunked = (body: string) => post('Transfer-Encoding: chunked', body)

  it.each([
    ['both lengths', post('Content-Length: 5\r\nTransfer-Encoding: chunked')],
    ['both lengths, the other way round', post('Transfer-Encoding: chunked\r\nContent-Length: 5')],
    ['two lengths', post('Content-Length: 5\r\nContent-Length: 44')],
    ['two lengths in one', post('Content-Length: 5, 44')],
    ['the same length twice in one', post('Content-Length: 5, 5')],
    ['a signed length', post('Content-Length: +5')],
    ['a negative length', post('Content-Length: -5')],
    ['a hexadecimal length', post('Content-Length: 0x5')],
    ['a length with a space', post('Content-Length: 4 4')],
    ['an endless length', post(`Content-Length: ${'9'.repeat(40)}`)],
    ['no length at all', post('Content-Length: ')],
    ['Transfer-Encoding: xchunked', post('Transfer-Encoding: xchunked')],
    ['Transfer-Encoding: chunked, identity', post('Transfer-Encoding: chunked, identity')],
    ['Transfer-Encoding: identity', post('Transfer-Encoding: identity\r\nContent-Length: 5')],
    ['Transfer-Encoding twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x')],
    ['Transfer-Encoding : chunked', post('Transfer-Encoding : chunked\r\nContent-Length: 5')],
    ['a vertical tab before chunked', post('Transfer-Encoding: \x0bchunked\r\nContent-Length: 5')],
    ['a folded Transfer-Encoding', post('Transfer-Encoding:\r\n chunked\r\nContent-Length: 5')],
    ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n folded\r\n\r\n'],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n'],
    ['a line without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n'],
    ['NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: a\0b\r\n\r\n'],
    ['NUL in a name', 'GET / HTTP/1.1\r\nHost: a\r\nX\0A: 1\r\n\r\n'],
    ['a bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: a\rX-Forwarded-User: 1\r\n\r\n'],
    ['a bare LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
    ['a bare LF after a header', `GET / HTTP/1.1\r\nHost: a\nX-A: 1\r\n\r\n`],
    ['bare LFs at the end', `GET / HTTP/1.1\r\nHost: a\n\n${smuggled}`],
    ['a chunk size with 0x', chunked(`0x5\r\nhello\r\n0\r\n\r\n`)],
    ['a negative chunk size', chunked(`-1\r\n\r\n0\r\n\r\n`)],
    ['a chunk size that overflows', chunked(`${'f'.repeat(17)}\r\nx\r\n0\r\n\r\n`)],
    ['a chunk that is longer than it says', chunked(`1\r\nab\r\n0\r\n\r\n${smuggled}`)],
    ['a chunk size that ends in a bare LF', chunked(`5\nhello\r\n0\r\n\r\n`)],
    ['a chunk extension that ends in a bare LF', chunked(`5;a\nhello\r\n0\r\n\r\n`)],
    ['a space before the chunk size', chunked(` 5\r\nhello\r\n0\r\n\r\n`)],
    ['HTTP/0.9', 'GET /\r\n\r\n'],
    ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n'],
    ['HTTP/2.0 of old', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS to a plain port', '\x16\x03\x01\x02\x00\x01\x00'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['the same Host twice', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ...['a/x', 'a b', 'u@a', 'a?x', 'a#x', 'a\\x', 'a:b', 'a:1:2', '[::1', 'a"', '\xe9', '<a>'].map(
      (host) => [`the Host ${host}`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
    ),
  ])('%s', async (_, bytes) => {
    const answer = await sendRaw(url, bytes)
    expect(answer.status, answer.head).toBe(400)
    expect(answer.head).toMatch(/connection: close/i)
    expect(answer.isClosed).toBe(true)
    expect(answer.head).toMatch(/content-type: application\/problem\+json/i)
    expect(answer.body).not.toMatch(/HTTP\/1\.1 \d/)
    // The head may have been forwarded before its body turned out to be broken; never more than that.
    expect(app.seen.map((seen) => seen.url)).not.toContain('/smuggled')
    expect(app.seen.length).toBeLessThanOrEqual(bytes.includes('Transfer-Encoding: chunked\r\n\r\n') ? 1 : 0)
  })

  it.each(['a', 'shop.example:8080', '127.0.0.1:80', '[::1]', '[2001:db8::1]:8080', 'a_b.example', 'a:', ''])(
    'while the Host %j is one',
    async (host) => {
      expect((await sendRaw(url, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status).toBe(200)
    },
  )

  it('what follows garbage after a request in progress is not written into its answer', async () => {
    await using slow = await startRawApp((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\npart'),
    )
    await using gateway = await openTestGateway({ upstream: slow.url })
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const parts = [(await once(socket, 'data'))[0]]
    socket.on('data', (part) => parts.push(part)).on('error', () => {})
    socket.write('garbage\r\n\r\n')
    await once(socket, 'close')
    expect(Buffer.concat(parts).toString()).not.toContain('400')
  })

  it('chunk extensions are read and not forwarded, nor is a trailer that claims to be a header', async () => {
    const body = '5;x=1\r\nhello\r\n0\r\nX-Forwarded-User: 1\r\n\r\n'
    const head =
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Forwarded-User\r\nConnection: close\r\n\r\n'
    expect((await sendRaw(url, head + body)).status).toBe(200)
    expect(app.seen).toMatchObject([{ body: 'hello' }])
    expect(app.seen[0]?.rawHeaders.join()).not.toMatch(/forwarded-user|trailer/i)
  })
})

describe('the target', () => {
  const get = (target: string, method = 'GET') => `${method} ${target} HTTP/1.1\r\nHost: shop.example\r\n\r\n`

  it.each([
    '/a/../x',
    '/a/%2e%2e/x',
    '/a/..;/x',
    '/a/..%2fx',
    '/a\\..\\x',
    '/a//x',
    '/a/./x',
    '/%2f%2fh',
    '//127.0.0.1:9999/x',
    '/\\127.0.0.1:9999/x',
    '/%00',
    '/%0d%0aX-A:1',
    '/%zz',
    '/%',
    '/a#frag',
    '/api/vente/..%5c..%5cadmin',
  ])('%s can be read in two ways: 400', async (target) => {
    expect(await expectRefusal(get(target), 400)).toBe('ambiguous-path')
  })

  it.each([
    'http://127.0.0.1:9999/x',
    'https://evil.example/',
    '@127.0.0.1:9999/x',
    '127.0.0.1:9999',
    'shop.example',
    'ftp://shop.example/x',
    'x',
  ])('%s leads elsewhere: 400, and nothing is asked', async (target) => {
    expect(await expectRefusal(get(target), 400)).toMatch(/^(invalid-request|ambiguous-path)$/)
  })

  it.each(['/\x80', '/caf\xe9', '/a b', '/a\tb', '/\x01'])(
    'bytes outside printable ASCII: 400 (%j)',
    async (target) => {
      await expectRefusal(get(target), 400)
    },
  )

  it('an absolute form of our own host is routed by its path', async () => {
    const answer = await sendRaw(url, get('http://shop.example/x?y=1'))
    expect(answer.status).toBe(200)
    expect(app.seen).toMatchObject([{ url: '/x?y=1' }])
  })

  it.each([
    ['/api%2fvente', 400],
    ['/API/VENTE', 401],
    ['/api/%76ente', 401],
    ['/api/vente/', 401],
    ['/api/vente?x=/../..', 401],
  ])('%s does not get around the route it names: %i', async (target, status) => {
    expect((await sendRaw(url, get(target))).status).toBe(status)
    expect(app.seen).toEqual([])
  })
})

describe('methods that are not served', () => {
  it.each(['TRACE', 'PROPFIND', 'QUERY', 'PURGE'])(
    '%s is 405 with the list of those that are',
    async (method) => {
      const answer = await sendRaw(url, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([405, 'method-not-allowed'])
      expect(answer.head).toMatch(/^allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS$/im)
      expect(app.seen).toEqual([])
    },
  )

  it('OPTIONS * and CONNECT are 405, and open nothing', async () => {
    const head = 'Host: a\r\nConnection: close\r\n\r\n'
    expect(await expectRefusal(`OPTIONS * HTTP/1.1\r\n${head}`, 405)).toBe('method-not-allowed')
    expect(await expectRefusal(`CONNECT 127.0.0.1:9999 HTTP/1.1\r\n${head}`, 405)).toBe('method-not-allowed')
  })

  it('a word that is no method is 400', async () => {
    await expectRefusal('HELLO / HTTP/1.1\r\nHost: a\r\n\r\n', 400)
  })
})

describe('more than a request may hold', () => {
  it.each([
    ['17 kB of one header', `X-A: ${'a'.repeat(17_000)}`],
    [
      '17 kB of many headers',
      Array.from({ length: 100 }, (_, i) => `X-${i}: ${'a'.repeat(170)}`).join('\r\n'),
    ],
    ['201 headers', Array.from({ length: 200 }, (_, i) => `X-${i}: 1`).join('\r\n')],
    ['2,100 headers', Array.from({ length: 2_100 }, () => 'X: 1').join('\r\n')],
  ])('%s: 431', async (_, headers) => {
    expect(await expectRefusal(`GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n`, 431)).toBe(
      'headers-too-large',
    )
  })

  it('an address of 9 kB: 414; of 20 kB: 414 or 431', async () => {
    expect(await expectRefusal(`GET /${'a'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414)).toBe(
      'path-too-long',
    )
    const answer = await sendRaw(url, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`)
    expect([414, 431]).toContain(answer.status)
    expect(app.seen).toEqual([])
  })
})

describe('an upgrade that is not ours', () => {
  it.each([
    [
      'h2c',
      'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    ],
    ['foo', 'Upgrade: foo\r\nConnection: Upgrade'],
    ['h2c without Connection', 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk'],
  ])('to %s is not forwarded: a plain answer', async (_, headers) => {
    const answer = await sendRaw(url, `GET /x HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n`)
    expect(answer.status).toBe(200)
    expect(app.seen).toMatchObject([{ url: '/x' }])
    expect(app.seen[0]?.rawHeaders.join()).not.toMatch(/upgrade|http2|h2c|foo/i)
  })
})

it('three requests in one packet get three answers in their order, the one over the limit its 429', async () => {
  const limited = {
    policies: {
      calls: { quota: 1, per: '10m', by: 'user' },
      logins: { quota: 1000, per: '10m', by: 'account' },
    },
  }
  await using gateway = await openTestGateway({ upstream: app.url, config: limited })
  await addAccount(gateway)
  const { accessToken } = await logIn(gateway)
  const get = (path: string, last = '') =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${accessToken}\r\n${last}\r\n`
  const bytes = get('/api/vente/1') + get('/api/vente/2') + get('/public/3', 'Connection: close\r\n')
  const { head, body } = await sendRaw(gateway.url, bytes)
  const answers = `${head}\r\n\r\n${body}`.split(/(?=HTTP\/1\.1 \d{3})/)
  const statuses = answers.map((answer) => Number(answer.slice(9, 12)))
  // The first two are decided at the same time, so either may be the one that passes.
  expect(statuses.slice(0, 2).toSorted()).toEqual([200, 429])
  const passed = statuses.indexOf(200)
  expect(answers[passed]).toContain(`/api/vente/${passed + 1}`)
  expect(answers[2]).toMatch(/^HTTP\/1\.1 200[\s\S]*\/public\/3/)
  expect(app.seen.map((seen) => seen.url).toSorted()).toEqual([`/api/vente/${passed + 1}`, '/public/3'])
})

it('a client that sends nothing is cut off with 408 when its time for headers is over', async () => {
  const limits = { headersTimeout: '300ms', requestTimeout: '600ms' }
  await using gateway = await openTestGateway({ upstream: app.url, config: { limits } })
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
  const received = Buffer.concat(await socket.toArray()).toString()
  expect(received).toMatch(/^HTTP\/1\.1 408 /)
  expect(received).toMatch(/connection: close/i)
})
