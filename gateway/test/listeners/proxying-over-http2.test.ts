import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { answerOf, connectHttp2 } from './http2-client.ts'
import { connectRawHttp2, pseudo } from './raw-http2.ts'
import { openSecureGateway } from './secure-gateway.ts'

type Serve = (request: IncomingMessage, response: ServerResponse) => void

const silenceMs = 700
const opened = new AsyncDisposableStack()
let serve: Serve
const server = createServer((request, response) => serve(request, response))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
opened.defer(() => void server.close().closeAllConnections())
const gateway = opened.use(
  await openSecureGateway({
    upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    config: {
      limits: { requestTimeout: `${silenceMs}ms`, headersTimeout: '300ms', maxBodyBytes: 1_000_000 },
    },
  }),
)
const client = opened.use(await connectHttp2(gateway))
afterAll(() => opened.disposeAsync())

beforeEach(() => {
  serve = (_request, response) => response.end('unexpected')
})

/** Promises of what the app hears of the next request. */
function nextRequest(): { arrived: Promise<IncomingMessage>; gone: Promise<unknown> } {
  const arrived = Promise.withResolvers<IncomingMessage>()
  const gone = Promise.withResolvers<unknown>()
  serve = (request, response) => {
    arrived.resolve(request)
    response.once('close', () => gone.resolve(response.writableFinished ? 'answered' : 'aborted'))
  }
  return { arrived: arrived.promise, gone: gone.promise }
}

describe('an answer', () => {
  it('comes with what the app said, and without what it said of its connection', async () => {
    serve = (_request, response) => {
      response.writeHead(207, {
        'Content-Type': 'text/x',
        'Set-Cookie': ['a=1', 'b=2'],
        'Keep-Alive': 'timeout=5',
        'HTTP2-Settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
        Connection: 'X-Inner',
        'X-Inner': 'secret',
        'Content-Language': ['fr', 'en'],
      })
      response.end('body')
    }
    const { status, headers, body } = await client.ask({ ':path': '/' })
    expect([status, body]).toEqual([207, 'body'])
    expect(headers).toMatchObject({
      'content-type': 'text/x',
      'set-cookie': ['a=1', 'b=2'],
      via: '1.1 guichet',
    })
    expect(headers['content-language']).toBe('fr, en')
    for (const name of ['keep-alive', 'http2-settings', 'connection', 'x-inner', 'transfer-encoding'])
      expect(headers[name]).toBeUndefined()
  })

  it('to HEAD has the head alone', async () => {
    serve = (_request, response) => response.writeHead(200, { 'content-length': '5' }).end()
    const { status, headers, body } = await client.ask({ ':path': '/', ':method': 'HEAD' })
    expect([status, headers['content-length'], body]).toEqual([200, '5', ''])
  })

  it('has its early hints before, and its trailers after', async () => {
    serve = (_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      response.writeHead(200, { trailer: 'digest' })
      response.write('body')
      response.addTrailers({ digest: 'sum' })
      response.end()
    }
    const { status, interim, trailers } = await client.ask({ ':path': '/', te: 'trailers' })
    expect(status).toBe(200)
    expect(interim).toEqual([expect.objectContaining({ ':status': 103, link: '</style.css>; rel=preload' })])
    expect(trailers).toMatchObject({ digest: 'sum' })
  })

  it('may repeat a field in its hints and trailers, where HTTP/2 lets it stand once', async () => {
    serve = (_request, response) => {
      const hints = 'HTTP/1.1 103 Early Hints\r\nETag: "1"\r\nETag: "2"\r\nHTTP2-Settings: AA\r\n\r\n'
      response.socket?.write(hints)
      response.writeHead(200, { trailer: 'etag' })
      response.write('body')
      response.addTrailers([
        ['etag', '"1"'],
        ['etag', '"2"'],
        ['http2-settings', 'AA'],
      ])
      response.end()
    }
    const { status, interim, trailers } = await client.ask({ ':path': '/', te: 'trailers' })
    expect([status, interim[0]?.etag, trailers.etag]).toEqual([200, '"1", "2"', '"1", "2"'])
    expect([interim[0], trailers].map((fields) => fields?.['http2-settings'])).toEqual([undefined, undefined])
  })

  it('that breaks off breaks off here too', async () => {
    serve = (_request, response) => {
      response.write('half')
      setTimeout(() => response.destroy(), 50)
    }
    const { status, closedWith } = await client.ask({ ':path': '/' })
    expect(status).toBe(200)
    expect(closedWith).not.toBe(0)
  })

  it('that nobody takes is cut, while others go on over the same connection', async () => {
    const { gone } = nextRequest()
    const told = serve
    serve = (request, response) => {
      if (request.url !== '/large') return void response.end('small')
      told(request, response)
      response.on('error', () => {})
      response.writeHead(200)
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', write)
      write()
    }
    const idle = client.begin({ ':path': '/large' })
    await once(idle, 'response')
    idle.pause()
    const fromMs = performance.now()
    const others = (async () => {
      while (performance.now() - fromMs < silenceMs / 2) {
        expect((await client.ask({ ':path': '/small' })).body).toBe('small')
        await sleep(50)
      }
    })()
    expect(await gone).toBe('aborted')
    await others
    expect(performance.now() - fromMs).toBeGreaterThan(silenceMs / 2)
    idle.resume()
    expect((await client.ask({ ':path': '/small' })).body).toBe('small')
  })
})

describe('a request', () => {
  it('of 900 KB arrives as it was sent, with and without a length', async () => {
    const body = Buffer.alloc(900_000, 'abcdefghij')
    serve = async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { 'content-length': length, 'transfer-encoding': coding, host } = request.headers
      response.end(JSON.stringify({ same: Buffer.concat(chunks).equals(body), length, coding, host }))
    }
    const headers = { ':path': '/', ':method': 'POST' }
    const host = new URL(gateway.url).host
    const announced = await client.ask({ ...headers, 'content-length': '900000' }, body)
    expect(JSON.parse(announced.body)).toMatchObject({ same: true, length: '900000' })
    const streamed = await client.ask(headers, body)
    expect(JSON.parse(streamed.body)).toMatchObject({ same: true, coding: 'chunked' })
    expect(host).toMatch(/^127/)
  })

  it.each([0, 4, 1_000, 300_000])('with a body of %i bytes has its trailers behind it', async (length) => {
    serve = (request, response) => {
      request.resume().once('end', () => {
        const { headers, rawTrailers } = request
        response.end(JSON.stringify([headers.trailer ?? null, rawTrailers]))
      })
    }
    const send = async (headers: OutgoingHttpHeaders) => {
      const trailers = { 'x-sum': 'abc', 'x-forwarded-user': 'root', x_forwarded_user: 'root', cookie: 'a=1' }
      const post = { ':path': '/', ':method': 'POST', trailer: 'x-sum, x-user', ...headers }
      const stream = client.session.request(post, { waitForTrailers: true })
      stream.once('wantTrailers', () => stream.sendTrailers(trailers))
      stream.end(Buffer.alloc(length, 'x'))
      return JSON.parse((await answerOf(stream)).body)
    }
    for (let i = 0; i < 5; i++) expect(await send({})).toEqual(['x-sum', ['x-sum', 'abc']])
    // No chunk is the last one where there are none.
    expect(await send({ 'content-length': String(length) })).toEqual([null, []])
  })

  it('with trailers above 16 KB is 431, and no whole request to the app', async () => {
    const { gone } = nextRequest()
    const stream = client.session.request({ ':path': '/', ':method': 'POST' }, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-a': 'a'.repeat(17_000) }))
    stream.end('body')
    expect((await answerOf(stream)).status).toBe(431)
    expect(await gone).toBe('aborted')
  })

  it('that the caller gives up is given up at the app at once', async () => {
    const { arrived, gone } = nextRequest()
    const stream = client.begin({ ':path': '/' })
    await arrived
    const fromMs = performance.now()
    stream.close(8)
    expect(await gone).toBe('aborted')
    expect(performance.now() - fromMs).toBeLessThan(1_000)
  })

  it.each([0, 8])('given up within its body with code %i never looks complete to the app', async (code) => {
    const { arrived, gone } = nextRequest()
    // Node's client would end the body first.
    using raw = await connectRawHttp2(gateway)
    raw.head(1, pseudo('POST'), false)
    raw.data(1, 'half')
    const request = await arrived
    const ending = new Promise((resolve) => {
      request
        .on('data', () => {})
        .once('end', () => resolve('complete'))
        .once('error', () => resolve('broken'))
    })
    raw.reset(1, code)
    expect(await ending).toBe('broken')
    expect(await gone).toBe('aborted')
  })

  it('whose body falls silent is 408, and one that is too long 413; neither disturbs the connection', async () => {
    serve = (request, response) => request.resume().once('end', () => response.end())
    const silent = client.session.request({ ':path': '/', ':method': 'POST' })
    silent.on('error', () => {})
    silent.write('half')
    expect((await answerOf(silent)).status).toBe(408)
    const long = client.session.request({ ':path': '/', ':method': 'POST' })
    long.on('error', () => {})
    long.write(Buffer.alloc(1_100_000))
    expect((await answerOf(long)).status).toBe(413)
    expect(
      (await client.ask({ ':path': '/', ':method': 'POST', 'content-length': '2000000' }, '')).status,
    ).toBe(413)
    expect((await client.ask({ ':path': '/' })).status).toBe(200)
  })

  it('to the gateway itself is read within its time too', async () => {
    const silent = client.session.request({
      ...{ ':path': '/auth/login', ':method': 'POST', 'content-type': 'application/json' },
    })
    silent.on('error', () => {})
    silent.write('{"email":')
    expect((await answerOf(silent)).status).toBe(408)
  })

  it('that waits for 100 Continue is told to go on when the app takes it', async () => {
    serve = (request, response) => request.resume().once('end', () => response.end('taken'))
    const stream = client.session.request({ ':path': '/', ':method': 'POST', expect: '100-continue' })
    stream.once('continue', () => stream.end('body'))
    expect((await answerOf(stream)).body).toBe('taken')
  })
})
