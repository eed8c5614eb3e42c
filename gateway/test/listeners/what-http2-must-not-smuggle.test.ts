import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { startRawApp } from '../proxying/raw-app.ts'
import { connectHttp2 } from './http2-client.ts'
import { connectRawHttp2, pseudo } from './raw-http2.ts'
import { openSecureGateway } from './secure-gateway.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startEchoApp())
const gateway = opened.use(await openSecureGateway({ upstream: app.url }))
afterAll(() => opened.disposeAsync())

type Fields = [string, string][]

describe('what would be another request by HTTP/1.1 never reaches the app', () => {
  it.each<[string, Fields]>([
    ['a name in upper case', [...pseudo(), ['X-Upper', 'b']]],
    ['transfer-encoding', [...pseudo('POST'), ['transfer-encoding', 'chunked']]],
    ['connection', [...pseudo(), ['connection', 'x-forwarded-user']]],
    ['te other than trailers', [...pseudo(), ['te', 'chunked']]],
    ['a pseudo field after others', [['x-a', 'b'], ...pseudo()]],
    ['a pseudo field twice', [...pseudo(), [':path', '/y']]],
    ['an unknown pseudo field', [...pseudo(), [':protocol-of-mine', 'x']]],
    ['a line end in the path', pseudo('GET', '/x\r\nx-injected: 1')],
    ['a request line in the path', pseudo('GET', '/x HTTP/1.1')],
    ['a line end in the method', pseudo('GET / HTTP/1.1\r\nx', '/x')],
    ['a line end in the authority', pseudo('GET', '/x', 'a\r\nx-injected: 1')],
    ['a length for a body that is not there', [...pseudo('POST'), ['content-length', '7']]],
    ['two lengths', [...pseudo('POST'), ['content-length', '0'], ['content-length', '7']]],
    ['no authority and no host', pseudo().slice(0, 3)],
    ['an authority and another host', [...pseudo(), ['host', 'other.example']]],
    ['a path that two readers take differently', pseudo('GET', '/x/../admin')],
  ])('%s', async (_what, fields) => {
    using client = await connectRawHttp2(gateway)
    const before = app.seen.length
    client.head(1, fields)
    await expect
      .poll(() => client.frames.some(({ type }) => ['headers', 'reset', 'goaway'].includes(type)))
      .toBe(true)
    await sleep(30)
    expect(app.seen.slice(before)).toEqual([])
  })

  // nghttp2 leaves such a field out and lets the rest pass.
  it.each<[string, Fields]>([
    ['a line end in a value', [...pseudo(), ['x-a', 'b\r\nx-injected: 1']]],
    ['a bare line feed in a value', [...pseudo(), ['x-a', 'b\nx-injected: 1']]],
    ['a NUL in a value', [...pseudo(), ['x-a', 'b\0c']]],
    ['a line end in a name', [...pseudo(), ['x-a: b\r\nx-injected', '1']]],
    ['a colon in a name', [...pseudo(), ['x-a:', 'b']]],
  ])('%s takes the field with it', async (_what, fields) => {
    using client = await connectRawHttp2(gateway)
    const before = app.seen.length
    client.head(1, fields)
    await expect.poll(() => app.seen.length).toBe(before + 1)
    expect(JSON.stringify(app.seen.at(-1))).not.toMatch(/x-a|x-injected/)
  })

  // nghttp2 leaves the field out, or ends the stream.
  const rest = '0\r\nx-end: 1\r\n\r\n'
  it.each<[string, Fields, string]>([
    ['a line end in a value', [['x-a', 'b\r\n\r\nGET /smuggled HTTP/1.1']], rest],
    ['a line end in a name', [['x-a: b\r\nx-injected', '1']], rest],
    ['a pseudo field', [[':path', '/smuggled']], ''],
    ['a length', [['content-length', '3']], ''],
    ['a coding', [['transfer-encoding', 'chunked']], ''],
  ])('%s of a trailer', async (_what, trailers, end) => {
    const gone = Promise.withResolvers<void>()
    await using wire = await startRawApp((socket) => socket.once('close', gone.resolve))
    await using behind = await openSecureGateway({ upstream: wire.url })
    using client = await connectRawHttp2(behind)
    client.head(1, pseudo('POST'), false)
    client.data(1, 'four')
    await expect.poll(() => wire.received.join('')).toMatch(/four\r\n$/)
    client.head(1, [...trailers, ['x-end', '1']])
    if (end === '') await gone.promise
    await expect.poll(() => wire.received.join('').split('four\r\n')[1]).toBe(end)
  })

  it('a body longer or shorter than its length is no whole request to the app', async () => {
    for (const length of ['2', '9']) {
      using client = await connectRawHttp2(gateway)
      const before = app.seen.length
      client.head(1, [...pseudo('POST'), ['content-length', length]], false)
      client.data(1, 'four', true)
      await expect
        .poll(() => client.frames.some(({ type }) => type === 'reset' || type === 'goaway'))
        .toBe(true)
      await sleep(50)
      const wholes = app.seen.slice(before).filter(({ body }) => body.length === Number(length))
      expect(wholes).toEqual([])
    }
  })

  it('a host that says the same as the authority is one host, and a forged identity is none', async () => {
    await using client = await connectHttp2(gateway)
    const answer = await client.ask({ ':path': '/x', 'x-forwarded-user': 'root', x_forwarded_user: 'root' })
    const { headers } = JSON.parse(answer.body)
    expect(answer.status).toBe(200)
    expect(headers['x-forwarded-host']).toBe(new URL(gateway.url).host)
    expect(headers['x-forwarded-proto']).toBe('https')
    expect(JSON.stringify(headers)).not.toContain('root')
    expect(Object.keys(headers).filter((name) => name.startsWith(':'))).toEqual([])
    using raw = await connectRawHttp2(gateway)
    const before = app.seen.length
    raw.head(1, [...pseudo(), ['host', 'shop.example']])
    await expect.poll(() => app.seen.length).toBe(before + 1)
  })
})

describe('what costs a client nothing is bounded', () => {
  it('heads above 16 KB or 200 lines are 431, those far above are reset', async () => {
    await using client = await connectHttp2(gateway)
    const before = app.seen.length
    expect((await client.ask({ ':path': '/x', 'x-a': 'a'.repeat(17_000) })).status).toBe(431)
    const lines = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`x-${i}`, 'a']))
    expect((await client.ask({ ':path': '/x', ...lines })).status).toBe(431)
    expect((await client.ask({ ':path': `/${'x'.repeat(9_000)}` })).status).toBe(414)
    expect(app.seen.length).toBe(before)
    expect((await client.ask({ ':path': '/x' })).status).toBe(200)
  })

  it('streams opened and cancelled at once end the session, and nobody else’s', async () => {
    await using other = await connectHttp2(gateway)
    using attacker = await connectRawHttp2(gateway)
    let isClosed = false
    void attacker.closed.then(() => {
      isClosed = true
    })
    for (let stream = 1; stream < 4_000 && !isClosed; stream += 2) {
      attacker.head(stream, pseudo())
      attacker.reset(stream, 8)
      if (stream % 200 === 1) await sleep(1)
    }
    await attacker.closed
    const { status, body } = await other.ask({ ':path': '/x' })
    expect(status, body).toBe(200)
  })

  it('no client has more than 100 requests under way on one connection', async () => {
    await using client = await connectHttp2(gateway)
    await expect.poll(() => client.session.remoteSettings.maxConcurrentStreams).toBe(100)
  })
})
