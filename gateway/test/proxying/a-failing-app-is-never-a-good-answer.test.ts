import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { sendRaw } from '../raw-http.ts'
import { startDelayingProxy } from '../servers/delaying-proxy.ts'
import { freePort } from '../servers/free-port.ts'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'
import { type AskOptions, ask, begin } from './ask.ts'
import { type RawAnswer, startRawApp } from './raw-app.ts'

let answer: RawAnswer = () => {}
const opened = new AsyncDisposableStack()
const app = opened.use(await startRawApp((socket, request) => answer(socket, request)))
const upstreams = {
  app: { url: app.url, connectTimeout: '1s', responseTimeout: '300ms', idleTimeout: '300ms' },
}
const log: string[] = []
const gateway = opened.use(
  await openTestGateway({ upstream: app.url, config: { upstreams }, onLog: (line) => log.push(line) }),
)
const { url } = gateway
const dead = opened.use(await openTestGateway({ upstream: `http://127.0.0.1:${await freePort()}` }))
afterAll(() => opened.disposeAsync())
beforeEach(() => {
  app.received.length = 0
})

const codeOf = async (at: string, options: AskOptions = {}) => {
  const { status, headers, body } = await ask(at, '/x', options)
  expect(headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(headers['cache-control']).toBe('no-store')
  return [status, JSON.parse(body).code]
}

const requests = () => app.received.join('').match(/^[A-Z]+ \/x HTTP/gm) ?? []

describe('no connection', () => {
  it.each(['GET', 'POST'])('is 502 for %s', async (method) => {
    expect(await codeOf(dead.url, { method })).toEqual([502, 'upstream-unreachable'])
  })

  it('is 502 for a body that was on its way, small, large and in chunks', async () => {
    for (const body of ['x', 'x'.repeat(200_000), Readable.from(['x'.repeat(1000), 'y'])]) {
      expect(await codeOf(dead.url, { method: 'POST', body })).toEqual([502, 'upstream-unreachable'])
    }
    const unfinished = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\npart'
    const { status, head } = await sendRaw(dead.url, unfinished)
    expect(status).toBe(502)
    expect(head).toMatch(/connection: close/i)
  })
})

describe('a connection that ends before the answer', () => {
  it.each(['GET', 'POST'])('is 502 for %s, which is not sent twice', async (method) => {
    answer = (socket) => socket.destroy()
    expect(await codeOf(url, { method })).toEqual([502, 'upstream-broken'])
    expect(requests()).toHaveLength(1)
    answer = (socket) => socket.resetAndDestroy()
    expect(await codeOf(url, { method, ...(method === 'POST' ? { body: 'order' } : {}) })).toEqual([
      502,
      'upstream-broken',
    ])
    expect(requests()).toHaveLength(2)
  })
})

describe('a connection that the app closes for being idle, just as the next request leaves,', () => {
  /** Answers the first request of each connection, and closes it instead of answering the second. */
  const answersOnce = (close: (socket: Socket) => void): RawAnswer => {
    const answered = new WeakSet<Socket>()
    return (socket) => {
      if (answered.has(socket)) return close(socket)
      answered.add(socket)
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    }
  }
  const closings: [string, (socket: Socket) => void][] = [
    ['ends', (socket) => socket.end()],
    ['resets', (socket) => socket.resetAndDestroy()],
  ]

  it.each(closings)('costs no GET: it is sent again (%s)', async (_, close) => {
    await using gateway = await openTestGateway({ upstream: app.url })
    answer = answersOnce(close)
    for (let i = 0; i < 2; i++) expect((await ask(gateway.url, '/x')).body).toBe('ok')
    expect(requests()).toHaveLength(3)
  })

  it.each(closings)('is 502 for a POST, which is not sent twice (%s)', async (_, close) => {
    await using gateway = await openTestGateway({ upstream: app.url })
    answer = answersOnce(close)
    await ask(gateway.url, '/x')
    expect(await codeOf(gateway.url, { method: 'POST', body: 'order' })).toEqual([502, 'upstream-broken'])
    expect(requests()).toHaveLength(2)
  })
})

describe('an answer that breaks off is a broken message to the client, never a clean end', () => {
  const heads = {
    'content-length': ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 'part'],
    chunked: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '4\r\npart\r\n'],
  } as const

  it.each(['content-length', 'chunked'] as const)('within a body by %s', async (framing) => {
    const [head, part] = heads[framing]
    answer = (socket) => {
      socket.write(head + part)
      setTimeout(() => socket.destroy(), 50)
    }
    await expect(ask(url, '/x')).rejects.toThrow(/aborted|socket hang up/)
    const { head: received, body, isClosed } = await sendRaw(url, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(isClosed).toBe(true)
    expect(received).toContain('200')
    expect(body).not.toMatch(/0\r\n\r\n$/)
  })

  it.each(['content-length', 'chunked'] as const)(
    'before a body by %s, or it is 502 as a whole',
    async (framing) => {
      answer = (socket) =>
        socket.end(heads[framing][0].replace('200 OK', '200 OK\r\nContent-Encoding: gzip\r\nSet-Cookie: a=1'))
      let answered: Awaited<ReturnType<typeof ask>>
      try {
        answered = await ask(url, '/x')
      } catch (error) {
        expect(String(error)).toMatch(/aborted|hang up|ECONNRESET/)
        return
      }
      expect(answered.status).toBe(502)
      expect(answered.headers).not.toHaveProperty('content-encoding')
      expect(answered.headers).not.toHaveProperty('set-cookie')
      expect(answered.headers['x-request-id']).toBe(JSON.parse(answered.body).requestId)
      expect(JSON.parse(answered.body).code).toBe('upstream-broken')
    },
  )

  it('in a silence longer than the idle timeout', async () => {
    answer = (socket) => socket.write(heads.chunked.join(''))
    await expect(ask(url, '/x')).rejects.toThrow(/aborted|socket hang up/)
    await expect.poll(app.openConnections).toBe(0)
  })
})

describe('an answer that is no HTTP is 502, and its connection is not used again', () => {
  it.each([
    ['garbage', 'garbage\r\n\r\n'],
    ['half a status line', 'HTTP/1.1 20'],
    ['a NUL in a header', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
    ['both lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
    ['64 kB of headers', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(65_536)}\r\nContent-Length: 0\r\n\r\n`],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n',
    ],
    ['the status 999', 'HTTP/1.1 999 What\r\nContent-Length: 2\r\nX-Left: over\r\n\r\nok'],
    ['the status 999 without an end', 'HTTP/1.1 999 What\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    answer = (socket) => {
      socket.write(bytes, 'latin1')
      if (!bytes.includes('\r\n\r\n')) socket.end()
    }
    const { status, headers, body } = await ask(url, '/x')
    expect([status, JSON.parse(body).code]).toEqual([502, 'upstream-broken'])
    expect(headers).not.toHaveProperty('x-left')
    await expect.poll(app.openConnections).toBe(0)
  })

  it('bytes after the answer never reach the next client', async () => {
    const response = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    answer = (socket) => socket.write(response('mine') + response('poison'))
    for (let i = 0; i < 5; i++) {
      expect((await ask(url, '/x')).body).toBe('mine')
      await new Promise(setImmediate)
    }
  })
})

describe('an app that does not answer', () => {
  it('is 504 at the limit, and its request is given up', async () => {
    answer = () => {}
    const from = performance.now()
    expect(await codeOf(url)).toEqual([504, 'upstream-timeout'])
    expect(performance.now() - from).toBeGreaterThan(290)
    expect(performance.now() - from).toBeLessThan(1500)
    expect(await codeOf(url, { method: 'POST', body: 'order' })).toEqual([504, 'upstream-timeout'])
    expect(requests()).toHaveLength(2)
    await expect.poll(app.openConnections).toBe(0)
  })

  it('is 504 at the limit, too, when its head comes byte by byte', async () => {
    answer = (socket) => {
      const dripping = setInterval(() => socket.write('H'), 100)
      socket.write('HTTP/1.1 200 OK\r\nX-Never-Ending: ')
      socket.once('close', () => clearInterval(dripping))
    }
    const from = performance.now()
    expect(await codeOf(url)).toEqual([504, 'upstream-timeout'])
    expect(performance.now() - from).toBeLessThan(1500)
    await expect.poll(app.openConnections).toBe(0)
  })

  it('has until the end of the request: a slow upload is not its fault', async () => {
    async function* slowly() {
      for (let i = 0; i < 4; i++) {
        yield 'x'
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
    answer = (socket) => {
      socket.on('data', (chunk) => {
        if (chunk.toString().endsWith('0\r\n\r\n'))
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    }
    expect(await ask(url, '/x', { method: 'POST', body: Readable.from(slowly()) })).toMatchObject({
      body: 'ok',
    })
  })
})

describe('a client that leaves', () => {
  const leaves = async (send: string, when: 'at once' | 'after the head') => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(send)
    if (when === 'after the head') await new Promise((resolve) => socket.once('data', resolve))
    else await expect.poll(requests, { interval: 5 }).toHaveLength(1)
    socket.destroy()
  }

  it.each([
    ['before the answer', 'at once'],
    ['within the answer', 'after the head'],
  ] as const)('%s ends the request to the app at once, and is recorded', async (_, when) => {
    answer = (socket) => {
      if (when === 'after the head') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart')
    }
    log.length = 0
    const from = performance.now()
    await leaves('GET /x HTTP/1.1\r\nHost: a\r\n\r\n', when)
    await expect.poll(app.openConnections, { interval: 5 }).toBe(0)
    // Well before the timeouts of 300 ms would have ended it.
    expect(performance.now() - from).toBeLessThan(200)
    const recorded = () => log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
    await expect.poll(recorded).toMatchObject([{ status: when === 'at once' ? 499 : 200, upstream: 'app' }])
    expect(log.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
  })

  it('has been counted all the same: the hit of a connected caller', async () => {
    await addAccount(gateway)
    const { accessToken } = await logIn(gateway)
    answer = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart')
    const headers = { authorization: `Bearer ${accessToken}` }
    ;(await begin(url, '/api/vente', { headers })).destroy()
    const services = async () => {
      const admin = { headers: { authorization: `Bearer ${gateway.adminToken}` } }
      return (await fetch(`${gateway.adminUrl}/api/stats/services`, admin)).json()
    }
    await expect.poll(services).toContainEqual({ service: 'vente', calls: 1 })
  })

  it('while the store is asked is not forwarded at all', async () => {
    const redis = new URL('/40', inject('redisUrl'))
    await using slow = await startDelayingProxy({ port: Number(redis.port) })
    redis.port = String(slow.port)
    await using gateway = await openTestGateway({
      upstream: app.url,
      sessions: redis.href,
      onLog: (line) => log.push(line),
    })
    await addAccount(gateway)
    const { accessToken } = await logIn(gateway)
    slow.latencyMs = 60
    log.length = 0
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname)
    socket.write(`GET /api/vente HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${accessToken}\r\n\r\n`)
    setTimeout(() => socket.destroy(), 20)
    await expect.poll(() => log.some((line) => JSON.parse(line).status === 499)).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(app.received).toEqual([])
  })

  it('within its upload ends it as well', async () => {
    answer = () => {}
    await leaves('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart', 'at once')
    await expect.poll(app.openConnections, { interval: 5, timeout: 200 }).toBe(0)
  })

  it('leaves nothing behind, 1,000 times', async () => {
    answer = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart')
    const handles = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length
    const before = handles()
    for (let i = 0; i < 1_000; i++) (await begin(url, '/x')).destroy()
    await expect.poll(app.openConnections).toBe(0)
    await expect.poll(handles).toBeLessThanOrEqual(before)
    answer = (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    expect((await ask(url, '/x')).body).toBe('ok')
  })
})
