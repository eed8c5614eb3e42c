import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { sendRaw } from '../raw-http.ts'
import { freePort } from '../servers/free-port.ts'
import { openTestGateway } from '../test-gateway.ts'
import { ask } from './ask.ts'
import { type RawAnswer, startRawApp } from './raw-app.ts'

const final = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
let answer: RawAnswer = (socket) => socket.write(final)
const opened = new AsyncDisposableStack()
const app = opened.use(await startRawApp((socket, request) => answer(socket, request)))
const { url } = opened.use(await openTestGateway({ upstream: app.url }))
afterAll(() => opened.disposeAsync())
beforeEach(() => {
  answer = (socket) => socket.write(final)
})

/** Writes the parts one after the other, each a packet of its own. */
function inParts(...parts: string[]): RawAnswer {
  return async (socket) => {
    for (const part of parts) {
      socket.write(part, 'latin1')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

describe('a 100 Continue that nobody asked for is not the answer', () => {
  const interim = 'HTTP/1.1 100 Continue\r\n\r\n'
  it.each([
    ['together with it', [interim + final]],
    ['before it', [interim, final]],
    ['in pieces', ['HTTP/1', '.1 100 Con', 'tinue\r\nX-A: b\r\n\r', '\n', 'HTTP', final.slice(4)]],
    ['twice', [interim + interim, final]],
    ['of HTTP/1.0', ['HTTP/1.0 100 Go on\r\n\r\n', final]],
    ['before early hints', [`${interim}HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n`, final]],
  ])('%s', async (_, parts) => {
    answer = inParts(...parts)
    for (const method of ['GET', 'POST', 'GET']) {
      expect(await ask(url, '/', { method })).toMatchObject({ status: 200, body: 'ok' })
    }
  })

  it('and a body that looks like one arrives whole', async () => {
    const lookalike = `${interim}x`
    answer = inParts(`HTTP/1.1 200 OK\r\nContent-Length: ${lookalike.length}\r\n\r\n`, lookalike)
    expect(await ask(url, '/')).toMatchObject({ status: 200, body: lookalike })
    expect(await ask(url, '/', { method: 'POST', body: 'upload' })).toMatchObject({ body: lookalike })
  })

  it('nor the end of one that never comes: 502', async () => {
    answer = (socket) => socket.end(interim)
    expect((await ask(url, '/')).status).toBe(502)
    answer = (socket) => socket.end('HTTP/1.1 100 Con')
    expect((await ask(url, '/')).status).toBe(502)
  })
})

describe('early hints', () => {
  const hints =
    'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n'

  it('reach the client before the answer exists', async () => {
    const asked = Promise.withResolvers<Socket>()
    answer = (socket) => {
      socket.write(hints)
      asked.resolve(socket)
    }
    const { hostname, port } = new URL(url)
    const client = connect(Number(port), hostname)
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const [first] = (await once(client, 'data')) as [Buffer]
    expect(first.toString()).toBe(
      'HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload; as=style\r\n\r\n',
    )
    ;(await asked.promise).write(final)
    expect(Buffer.concat(await client.toArray()).toString()).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/,
    )
  })

  it('without end do not fill memory: a hundred pass, and the answer after them', async () => {
    answer = (socket) => socket.write(hints.repeat(1_000) + final)
    const { head, body } = await sendRaw(url, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(`${head}\r\n\r\n${body}`.match(/^HTTP\/1\.1 103/gm)).toHaveLength(100)
    expect(body).toMatch(/\r\n\r\nok$/)
  })

  it('are no answer: an app that sends nothing else is given up in time', async () => {
    const upstreams = { app: { url: app.url, responseTimeout: '300ms' } }
    await using impatient = await openTestGateway({ upstream: app.url, config: { upstreams } })
    answer = (socket) => {
      const sending = setInterval(() => socket.write(hints), 50)
      socket.once('close', () => clearInterval(sending))
    }
    expect(await ask(impatient.url, '/')).toMatchObject({ status: 504 })
  })

  it('announce no body, whatever length they are given', async () => {
    answer = (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${final}`)
    const { head } = await sendRaw(url, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(head).toBe('HTTP/1.1 103 Early Hints')
  })

  it('are kept from a client of HTTP/1.0, which knows no interim answers', async () => {
    answer = (socket) => socket.write(hints + final)
    const { status, head } = await sendRaw(url, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    expect([status, head.includes('103')]).toEqual([200, false])
  })
})

describe('Expect: 100-continue', () => {
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n'

  it('is answered when the app is there to take the body', async () => {
    const { hostname, port } = new URL(url)
    const client = connect(Number(port), hostname)
    client.write(head)
    expect(String((await once(client, 'data'))[0])).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    client.write('body')
    expect(String((await once(client, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /)
    client.destroy()
  })

  it.each([
    [
      'an app that is away',
      async () => await openTestGateway({ upstream: `http://127.0.0.1:${await freePort()}` }),
      '502',
    ],
    [
      'a body over the limit',
      () => openTestGateway({ upstream: app.url, config: { limits: { maxBodyBytes: 3 } } }),
      '413',
    ],
  ])('spares the client the body for %s', async (_, openGateway, status) => {
    await using gateway = await openGateway()
    const answered = await sendRaw(gateway.url, head)
    expect(answered.head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answered.head).toMatch(/connection: close/i)
    expect(answered.isClosed).toBe(true)
  })

  it('works for a login, too', async () => {
    const body = '{"email":"nobody@example.org","password":"wrong"}'
    const { hostname, port } = new URL(url)
    const client = connect(Number(port), hostname)
    client.write(
      `POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
    )
    expect(String((await once(client, 'data'))[0])).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    client.write(body)
    expect(String((await once(client, 'data'))[0])).toMatch(/^HTTP\/1\.1 401 /)
    client.destroy()
  })
})

describe('trailers of an answer', () => {
  const trailing =
    'HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nTrailer: X-Sum, X-Late\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: abc\r\nX-Late: 1\r\nX-Hop: 1\r\nCache-Control: no-store\r\nSet-Cookie: a=1\r\n\r\n'
  const get = (version: string, headers: string) => `GET / HTTP/${version}\r\nHost: a\r\n${headers}\r\n`

  it.each([
    ['at once', [trailing]],
    ['bit by bit', [trailing.slice(0, 80), trailing.slice(80, 100), trailing.slice(100)]],
  ])(
    'that came %s pass to a client that takes them, without those that belong into a head or to a connection',
    async (_, parts) => {
      answer = inParts(...parts)
      const { head, body } = await sendRaw(url, get('1.1', 'TE: trailers\r\nConnection: TE\r\n'))
      expect(head).toMatch(/^trailer: X-Sum, X-Late$/im)
      expect(body).toMatch(/^2\r\nok\r\n0\r\nx-sum: abc\r\nx-late: 1\r\n\r\n$/)
    },
  )

  it.each([
    ['did not ask for them', get('1.1', '')],
    ['speaks HTTP/1.0', get('1.0', 'TE: trailers\r\n')],
    ['asked for the head alone', get('1.1', 'TE: trailers\r\n').replace('GET', 'HEAD')],
  ])('are kept from a client that %s', async (_, request) => {
    answer = inParts(request.startsWith('HEAD') ? trailing.slice(0, trailing.indexOf('2\r\nok')) : trailing)
    const { head, body } = await sendRaw(url, request)
    expect(`${head}\r\n\r\n${body}`).not.toMatch(/trailer|x-sum/i)
    expect(head).toMatch(/ 200 /)
  })
})
