import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { type Answer, startEchoApp } from '../echo-app.ts'
import { sendRaw } from '../raw-http.ts'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'
import { ask } from './ask.ts'
import { startRawApp } from './raw-app.ts'

let answer: Answer = () => {}
let bytes = ''
const opened = new AsyncDisposableStack()
const app = opened.use(await startEchoApp((request, response, body) => answer(request, response, body)))
const { url, ...rest } = opened.use(await openTestGateway({ upstream: app.url }))
const rawApp = opened.use(await startRawApp((socket) => socket.end(bytes, 'latin1')))
const raw = opened.use(await openTestGateway({ upstream: rawApp.url }))
afterAll(() => opened.disposeAsync())

describe('an answer passes through', () => {
  it('with the bytes, type and encoding the app chose', async () => {
    const zipped = gzipSync('hello '.repeat(100))
    answer = (_, response) => {
      response.writeHead(200, {
        'content-type': 'text/plain',
        'content-encoding': 'gzip',
        etag: 'W/"1"',
        vary: 'x',
      })
      response.end(zipped)
    }
    const { headers, status } = await ask(url, '/')
    expect([status, headers]).toMatchObject([200, { 'content-encoding': 'gzip', etag: 'W/"1"', vary: 'x' }])
    const response = await fetch(url)
    expect(await response.text()).toBe('hello '.repeat(100))
  })

  it.each([429, 503])('as it is when it says %i and Retry-After, and is asked for once', async (status) => {
    const before = app.seen.length
    answer = (_, response) =>
      response.writeHead(status, { 'retry-after': '7', 'x-app': 'own' }).end('come back')
    const answered = await ask(url, '/')
    expect(answered).toMatchObject({ status, body: 'come back' })
    expect(answered.headers).toMatchObject({ 'retry-after': '7', 'x-app': 'own' })
    expect(app.seen).toHaveLength(before + 1)
  })

  it('to HEAD with the length of what GET would answer, and without a body', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-length': 1234 }).end()
    const { status, headers, body } = await ask(url, '/', { method: 'HEAD' })
    expect([status, headers['content-length'], body]).toEqual([200, '1234', ''])
  })

  it.each([204, 304, 205])(
    'without a body when it says %i, on a connection that stays usable',
    async (status) => {
      answer = (_, response) => response.writeHead(status, { etag: '"1"' }).end()
      const twice = 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
      const answered = await sendRaw(url, twice)
      expect(`${answered.head}\r\n\r\n${answered.body}`.match(/^HTTP\/1\.1 (\d+)/gm)).toEqual(
        Array(2).fill(`HTTP/1.1 ${status}`),
      )
      expect(answered.head.toLowerCase()).toContain('etag: "1"')
    },
  )

  it('with both of two cookies, and Location unchanged', async () => {
    answer = (_, response) =>
      response
        .writeHead(302, { 'set-cookie': ['a=1; Path=/', 'b=2'], location: 'http://inner.example/x' })
        .end()
    const { status, headers } = await ask(url, '/')
    expect([status, headers['set-cookie'], headers.location]).toEqual([
      302,
      ['a=1; Path=/', 'b=2'],
      'http://inner.example/x',
    ])
  })

  it('with repeated headers in any case, and values outside ASCII, byte for byte', async () => {
    bytes =
      'HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nVARY: x\r\nX-Name: \xc3\xa9t\xe9\r\nContent-Length: 2\r\n\r\nok'
    const { headers, body } = await ask(raw.url, '/')
    expect([headers['x-a'], headers.vary, headers['x-name'], body]).toEqual([
      '1, 2',
      'x',
      '\xc3\xa9t\xe9',
      'ok',
    ])
  })

  it('when 103 comes before it', async () => {
    bytes = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    expect(await ask(raw.url, '/')).toMatchObject({ status: 200, body: 'ok' })
  })

  it('when it is of HTTP/1.0 and ends with its connection', async () => {
    bytes = 'HTTP/1.0 200 OK\r\n\r\nold'
    expect(await ask(raw.url, '/')).toMatchObject({ status: 200, body: 'old' })
  })
})

it('headers about the app’s own connection stay there, those its Connection names included', async () => {
  bytes =
    'HTTP/1.1 200 OK\r\nConnection: close, X-Secret\r\nX-Secret: inner\r\nKeep-Alive: timeout=999\r\nProxy-Connection: x\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X-T\r\nX-Open: 1\r\nContent-Length: 2\r\n\r\nok'
  const answered = await sendRaw(raw.url, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  expect(answered.status).toBe(200)
  expect(answered.head.toLowerCase()).toContain('x-open: 1')
  expect(answered.head).not.toMatch(/secret|999|^proxy-|^upgrade|^trailer|connection: close/im)
})

it('the request id is ours, whatever the app calls the request', async () => {
  answer = (_, response) => response.writeHead(200, { 'x-request-id': 'of-the-app' }).end()
  const { headers } = await ask(url, '/')
  const sent = app.seen.at(-1)?.rawHeaders ?? []
  expect(headers['x-request-id']).toBe(sent[sent.indexOf('x-request-id') + 1])
})

it('limits of the app’s own are added to ours', async () => {
  answer = (_, response) =>
    response.writeHead(200, { RateLimit: '"app";r=1;t=9', 'RateLimit-Policy': '"app";q=2;w=60' }).end()
  await addAccount(rest)
  const { authorization } = await logIn({ url })
  const { headers } = await ask(url, '/api/vente', { headers: authorization })
  expect(headers.ratelimit).toMatch(/^"calls";r=9;t=\d+, "app";r=1;t=9$/)
  expect(headers['ratelimit-policy']).toBe('"calls";q=10;w=600, "app";q=2;w=60')
  expect((await ask(url, '/')).headers.ratelimit).toBe('"app";r=1;t=9')
})
