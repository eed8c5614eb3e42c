import { Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { sendRaw } from '../raw-http.ts'
import { openTestGateway } from '../test-gateway.ts'
import { ask, echoed } from './ask.ts'
import { startRawApp } from './raw-app.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startEchoApp())
const { url } = opened.use(await openTestGateway({ upstream: app.url }))
afterAll(() => opened.disposeAsync())

const lastSeen = () => app.seen.at(-1)

describe('the target reaches the app byte for byte', () => {
  it.each([
    '/%7Eada/~ada',
    '/a+b/c%20d',
    '/a?a=b&a=c&&d',
    '/a?',
    '/a?q=%zz&r=100%&s=[1]{2}|^`"<>',
    '/shop/',
    '/%C3%A9t%C3%A9',
    '/CamelCase',
    '/a{b}|^`<c>/',
    '/a../b',
    "/a!$&'()*,=:@b",
  ])('%s', async (target) => {
    const answer = await sendRaw(
      url,
      `GET ${target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n`,
    )
    expect(answer.status).toBe(200)
    expect(lastSeen()?.url).toBe(target)
  })
})

describe('bodies', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'of %s arrive with and without a type',
    async (method) => {
      for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': 'nonsense' }]) {
        const answer = await ask(url, '/x', {
          method,
          headers: { ...headers, 'content-length': 5 },
          body: '{"a":',
        })
        expect(answer.status).toBe(200)
        expect(echoed(answer)).toMatchObject({ method, body: '{"a":', headers })
        expect(echoed(answer).headers['content-length']).toBe('5')
      }
    },
  )

  it.each(['POST', 'DELETE', 'OPTIONS', 'PUT'])('are not invented for a %s without one', async (method) => {
    const answer = await ask(url, '/x', { method })
    expect(echoed(answer)).toMatchObject({ method, body: '' })
    expect(echoed(answer).headers).not.toHaveProperty('transfer-encoding')
    expect(echoed(answer).headers['content-length'] ?? '0').toBe('0')
  })

  it('sent in chunks arrive whole, empty ones too', async () => {
    for (const chunks of [['one ', 'two ', 'three'], []]) {
      const answer = await ask(url, '/x', {
        method: 'POST',
        headers: { 'transfer-encoding': 'chunked' },
        body: Readable.from(chunks),
      })
      expect(echoed(answer)).toMatchObject({ body: chunks.join('') })
    }
  })

  it('that Expect: 100-continue holds back are asked for, and Expect stays with us', async () => {
    const head =
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n'
    const answer = await sendRaw(url, `${head}body`)
    expect(answer.head).toBe('HTTP/1.1 100 Continue')
    expect(answer.body).toMatch(/^HTTP\/1\.1 200 /)
    expect(lastSeen()).toMatchObject({ body: 'body' })
    expect(lastSeen()?.rawHeaders).not.toContain('expect')
  })

  it.each([
    ['content-length', 'Content-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n'],
    [
      'chunks',
      'Transfer-Encoding: chunked\r\n\r\n26\r\nGET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n\r\n0\r\n\r\n',
    ],
  ])('of a GET, by %s, are neither forwarded nor taken for a request', async (_, rest) => {
    const before = app.seen.length
    const answer = await sendRaw(url, `GET /x HTTP/1.1\r\nHost: a\r\n${rest}`)
    expect(answer.status).toBe(200)
    expect(app.seen.slice(before)).toMatchObject([{ method: 'GET', url: '/x', body: '' }])
  })

  it('over the limit are refused: announced ones before the app hears of them, others as they pass it', async () => {
    await using small = await openTestGateway({
      upstream: app.url,
      config: { limits: { maxBodyBytes: 1000 } },
    })
    const announced = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n'
    expect((await sendRaw(small.url, announced)).status).toBe(413)

    const chunked = await ask(small.url, '/x', {
      method: 'POST',
      headers: { 'transfer-encoding': 'chunked' },
      body: Readable.from(['x'.repeat(900), 'x'.repeat(900)]),
    })
    expect([chunked.status, JSON.parse(chunked.body).code]).toEqual([413, 'body-too-large'])
    expect((await ask(small.url, '/x', { method: 'POST', body: 'x'.repeat(1000) })).status).toBe(200)
  })
})

it('a body that passes the limit on its way breaks off at the app, which is never told that it ended', async () => {
  await using raw = await startRawApp(() => {})
  await using small = await openTestGateway({
    upstream: raw.url,
    config: { limits: { maxBodyBytes: 1000 } },
  })
  const body = Readable.from(['x'.repeat(900), 'y'.repeat(900)])
  expect((await ask(small.url, '/x', { method: 'POST', body })).status).toBe(413)
  await expect.poll(raw.openConnections).toBe(0)
  expect(raw.received.join('')).not.toMatch(/\r\n0\r\n/)
})

it('every proxy on the way has its place in Via, in both directions', async () => {
  const answer = await ask(url, '/', { headers: { via: '1.0 before' } })
  expect(echoed(answer).headers.via).toBe('1.0 before, 1.1 guichet')
  expect(answer.headers.via).toBe('1.1 guichet')
  const old = await sendRaw(url, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')
  expect(old.body).toContain('"via":"1.0 guichet"')
})

it('headers that Connection names were meant for us', async () => {
  const { headers } = echoed(
    await ask(url, '/', { headers: { connection: 'close, X-Hop', 'x-hop': '1', 'x-end': '1' } }),
  )
  expect(headers).toHaveProperty('x-end')
  expect(headers).not.toHaveProperty('x-hop')
})

it('headers of the client’s own arrive, repeated ones joined, cookies of the app included', async () => {
  const headers = [
    'Host',
    'a',
    'X-Custom',
    '1',
    'x-custom',
    '2',
    'Accept-Encoding',
    'br',
    'Cookie',
    'a=1',
    'Range',
    'bytes=0-1',
  ]
  expect(echoed(await ask(url, '/', { headers: [...headers, 'Cookie', 'b=2'] })).headers).toMatchObject({
    'x-custom': '1, 2',
    'accept-encoding': 'br',
    cookie: 'a=1; b=2',
    range: 'bytes=0-1',
  })
})
