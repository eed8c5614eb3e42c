import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import replyFrom from '@fastify/reply-from'
import fastify from 'fastify'
import { afterAll, describe, expect, it } from 'vitest'
import { sendRaw } from '../raw-http.ts'
import { openTestGateway } from '../test-gateway.ts'
import { type Answered, type AskOptions, ask } from './ask.ts'
import { startRawAnswers, startRawApp } from './raw-app.ts'

// @fastify/reply-from as its README has it, nothing worked around: where ours answers otherwise, a line below
// says what and why.

interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const answers: Record<string, (response: ServerResponse) => unknown> = {
  text: (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('hello'),
  'with a length': (response) => response.writeHead(200, { 'content-length': 5 }).end('hello'),
  'with an empty body': (response) => response.writeHead(200, { 'content-length': 0 }).end(),
  zipped: (response) =>
    response.writeHead(200, { 'content-encoding': 'gzip', vary: 'accept-encoding' }).end(gzipSync('hello')),
  'in pieces': (response) => {
    response.write('one ')
    setTimeout(() => response.end('two'), 5)
  },
  events: (response) => {
    response
      .writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
      .flushHeaders()
    setTimeout(() => response.write('data: 1\n\n'), 5)
    setTimeout(() => response.end('data: 2\n\n'), 10)
  },
  large: (response) => response.end('x'.repeat(1_000_000)),
  bytes: (response) => response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(binary),
  'no content': (response) => response.writeHead(204, { 'x-a': '1' }).end(),
  'reset content': (response) => response.writeHead(205, { 'content-length': 0 }).end(),
  'not modified': (response) => response.writeHead(304, { etag: '"1"', 'cache-control': 'max-age=1' }).end(),
  partial: (response) => response.writeHead(206, { 'content-range': 'bytes 0-1/5' }).end('he'),
  moved: (response) => response.writeHead(301, { location: 'http://inner.example/?a=1#b' }).end(),
  'not found': (response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>?</h1>'),
  teapot: (response) => response.writeHead(418).end('short'),
  failed: (response) => response.writeHead(500, { 'content-type': 'application/json' }).end('{}'),
  busy: (response) => response.writeHead(503, { 'retry-after': '9' }).end('later'),
  'the last status': (response) => response.writeHead(599).end('odd'),
  'two cookies': (response) => response.writeHead(200, { 'set-cookie': ['a=1; Path=/', 'b=2'] }).end(),
  'a field twice': (response) =>
    response.writeHead(200, ['X-A', '1', 'x-a', '2', 'Vary', 'a', 'vary', 'b']).end(),
  'bytes outside ASCII': (response) => response.writeHead(200, { 'x-name': '\xc3\xa9t\xe9' }).end(),
  'a challenge': (response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
}
const binary = randomBytes(10_000)

const requests: Record<string, AskOptions & { readonly path?: string }> = {
  'a GET': {},
  'a query': { path: '/a%20b/c?x=1&x=2&&y=%20+' },
  'an escaped path': { path: '/%C3%A9t%C3%A9/%41' },
  'a HEAD': { method: 'HEAD' },
  'an OPTIONS': { method: 'OPTIONS' },
  'a DELETE': { method: 'DELETE' },
  'a DELETE with a body': { method: 'DELETE', body: 'x', headers: { 'content-length': 1 } },
  JSON: { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } },
  'broken JSON': { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } },
  'a form': { method: 'POST', body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  'a POST without a body': { method: 'POST' },
  'a zipped PUT': { method: 'PUT', body: gzipSync('x'), headers: { 'content-encoding': 'gzip' } },
  'a PATCH': { method: 'PATCH', body: 'x', headers: { 'content-type': 'x/y', 'if-match': '"1"' } },
  'a large body': { method: 'POST', body: Buffer.alloc(300_000, 'x') },
  'conditions and wishes': {
    headers: {
      'if-none-match': '"1"',
      range: 'bytes=0-1',
      accept: 'a/b, c/d;q=0.1',
      'accept-encoding': 'br',
    },
  },
  'a field twice': { headers: ['Host', 'a', 'X-A', '1', 'x-a', '2', 'Cookie', 'a=1', 'cookie', 'b=2'] },
  'credentials of the app': { headers: { authorization: 'Basic eDp5' } },
}

const opened = new AsyncDisposableStack()
const received: Received[] = []
const app = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { method, url, headers } = request
  received.push({ method, url, headers, body: Buffer.concat(chunks).toString('latin1') })
  const answer = answers[decodeURIComponent(/^\/answer\/(.*)$/.exec(url ?? '')?.[1] ?? 'text')]
  response.removeHeader('date')
  answer?.(response)
})
app.listen(0, '127.0.0.1')
await once(app, 'listening')
opened.defer(() => {
  app.closeAllConnections()
  app.close()
})
const upstream = `http://127.0.0.1:${(app.address() as AddressInfo).port}`
const ours = opened.use(await openTestGateway({ upstream })).url
const theirs = await startOracle(upstream)
afterAll(() => opened.disposeAsync())

async function startOracle(base: string): Promise<string> {
  const oracle = fastify()
  opened.defer(() => oracle.close())
  oracle.removeAllContentTypeParsers()
  oracle.addContentTypeParser('*', (_request, body, done) => done(null, body))
  await oracle.register(replyFrom, { base, undici: { connect: { rejectUnauthorized: true } } })
  oracle.all('/*', (request, reply) => {
    reply.from(request.raw.url, { retryDelay: () => null })
  })
  return oracle.listen({ host: '127.0.0.1', port: 0 })
}

/** Of the connection, of the way or of the moment: not the answer's. */
const notCompared = new Set(['connection', 'keep-alive', 'date', 'via', 'x-request-id'])
/** An empty body may be announced as no bytes or as no chunks. */
const isFramingOfNothing = (name: string, value: unknown): boolean =>
  (name === 'content-length' && value === '0') || (name === 'transfer-encoding' && value === 'chunked')
/** What the gateway tells an app, and framing that it may choose for the same body. */
const ofTheGateway =
  /^(x-forwarded-|x-request-id$|forwarded$|traceparent$|via$|connection$|transfer-encoding$)/

const clientSees = ({ status, headers, body }: Answered) => ({
  status,
  body,
  headers: Object.fromEntries(
    Object.entries(headers).filter(
      ([name, value]) => !notCompared.has(name) && (body !== '' || !isFramingOfNothing(name, value)),
    ),
  ),
})

const appSees = ({ headers, ...rest }: Received) => ({
  ...rest,
  headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !ofTheGateway.test(name))),
})

describe('the client sees the same answer', () => {
  const methods = ['GET', 'HEAD', 'POST']
  const corpus = Object.keys(answers).flatMap((name) => methods.map((method) => [name, method] as const))

  it.each(corpus)('%s, to %s', async (name, method) => {
    const path = `/answer/${encodeURIComponent(name)}`
    const ofOurs = await ask(ours, path, { method })
    expect(clientSees(ofOurs)).toEqual(clientSees(await ask(theirs, path, { method })))
  })
})

describe('the app sees the same request', () => {
  it.each(Object.keys(requests))('%s', async (name) => {
    const { path = '/', ...options } = requests[name] ?? {}
    received.length = 0
    const ofOurs = await ask(ours, path, options)
    const ofTheirs = await ask(theirs, path, options)
    const [first, second] = received.map(appSees)
    expect(first).toEqual(second)
    expect(clientSees(ofOurs)).toEqual(clientSees(ofTheirs))
  })

  it('a body in chunks', async () => {
    received.length = 0
    for (const url of [ours, theirs]) {
      await ask(url, '/', {
        method: 'POST',
        body: Readable.from(['one ', 'two']),
        headers: { 'content-type': 'a/b' },
      })
    }
    // Theirs announces a length when all chunks have come before its first write.
    const [first, second] = received.map(({ headers: { 'content-length': _, ...headers }, ...rest }) =>
      appSees({ headers, ...rest }),
    )
    expect(first).toEqual(second)
    expect(first?.body).toBe('one two')
  })
})

describe('where ours is not the same', () => {
  const statusOf = async (bytes: string, options: AskOptions = {}): Promise<number[]> => {
    await using broken = await startRawAnswers(bytes)
    await using gateway = await openTestGateway({ upstream: broken.url })
    const asked = [gateway.url, await startOracle(broken.url)]
    return await Promise.all(asked.map(async (url) => (await ask(url, '/', options)).status))
  }

  it.each([
    [
      'a bare 100 Continue is no answer (RFC 9110 §15.2)',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      [200, 500],
    ],
    ['an app that hangs up is the app’s failure, not the gateway’s', '', [502, 500]],
    ['garbage is, too', 'garbage\r\n\r\n', [502, 500]],
  ])('%s', async (_, bytes, expected) => {
    expect(await statusOf(bytes)).toEqual(expected)
  })

  it('a path or query is the app’s to judge, byte for byte', async () => {
    const at = '/a../b?y=%zz'
    expect([(await ask(ours, at)).status, received.at(-1)?.url]).toEqual([200, at])
    expect((await ask(theirs, at)).status).not.toBe(200)
  })

  it('trailers of a request reach the app, and of TE what they need alone', async () => {
    await using app = await startRawApp((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
    )
    await using gateway = await openTestGateway({ upstream: app.url })
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\nTransfer-Encoding: chunked\r\n\r\n'
    const seen = []
    for (const url of [gateway.url, await startOracle(app.url)]) {
      const before = app.received.length
      await sendRaw(url, `${head}2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n`)
      const bytes = app.received.slice(before).join('')
      seen.push({ te: /^te: (.*)\r$/im.exec(bytes)?.[1], hasTrailer: bytes.includes('x-sum: 1') })
    }
    expect(seen).toEqual([
      { te: 'trailers', hasTrailer: true },
      { te: 'gzip, trailers', hasTrailer: false },
    ])
  })

  it('what the app’s Connection names stays there (RFC 9110 §7.6.1)', async () => {
    const bytes = 'HTTP/1.1 200 OK\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nContent-Length: 0\r\n\r\n'
    await using leaking = await startRawAnswers(bytes)
    await using gateway = await openTestGateway({ upstream: leaking.url })
    expect((await ask(gateway.url, '/')).headers).not.toHaveProperty('x-secret')
    expect((await ask(await startOracle(leaking.url), '/')).headers).toHaveProperty('x-secret')
  })
})
