import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { openTestGateway } from '../test-gateway.ts'
import { startRawApp } from './raw-app.ts'

const silenceMs = 800
const opened = new AsyncDisposableStack()
const app = opened.use(await startEchoApp())
const limits = { headersTimeout: '300ms', requestTimeout: `${silenceMs}ms` }
const { url } = opened.use(await openTestGateway({ upstream: app.url, config: { limits } }))
afterAll(() => opened.disposeAsync())

function open(to: string): Socket {
  const { hostname, port } = new URL(to)
  return connect(Number(port), hostname).on('error', () => {})
}

async function untilClosed(socket: Socket): Promise<string> {
  return Buffer.concat(await socket.toArray()).toString('latin1')
}

const head = (path: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`

it('an upload that goes on steadily may take as long as it needs', async () => {
  const socket = open(url)
  socket.write(head('/x', 10))
  for (let i = 0; i < 10; i++) {
    await after(silenceMs / 4)
    socket.write('x')
  }
  expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 200 [\s\S]*"body":"x{10}"/)
})

it.each(['before its first byte', 'in the middle'])(
  'one that falls silent %s is 408, and given up',
  async (when) => {
    const seen = app.seen.length
    const socket = open(url)
    const from = performance.now()
    socket.write(head('/x', 10) + (when === 'in the middle' ? 'half' : ''))
    const received = await untilClosed(socket)
    expect(received).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/)
    expect(received).toMatch(/connection: close/i)
    expect(performance.now() - from).toBeGreaterThan(silenceMs - 20)
    expect(performance.now() - from).toBeLessThan(silenceMs * 6)
    // What the app has of it breaks off there: it never takes a part for the whole.
    expect(app.seen.slice(seen).filter(({ body }) => body.length === 10)).toEqual([])
  },
)

it('while the app is the one who does not read, the silence is not the client’s', async () => {
  const bytes = 30_000_000
  const server = createServer(async (request, response) => {
    await after(silenceMs * 3)
    let received = 0
    for await (const chunk of request) received += chunk.length
    response.end(String(received))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  // Its own patience with the app ends later.
  const upstreams = { app: { url: upstream, responseTimeout: '20s' } }
  await using gateway = await openTestGateway({ upstream, config: { limits, upstreams } })
  const socket = open(gateway.url)
  socket.write(head('/x', bytes))
  socket.write(Buffer.alloc(bytes))
  expect(await untilClosed(socket)).toMatch(new RegExp(`^HTTP/1.1 200 [^]*${bytes}`))
  server.close()
})

it('an endpoint of our own wants the whole in that time, however steadily it comes', async () => {
  const socket = open(url)
  socket.write(head('/auth/login', 1000))
  const dripping = setInterval(() => socket.write(' '), silenceMs / 8)
  const [first] = (await once(socket, 'data')) as [Buffer]
  clearInterval(dripping)
  expect(first.toString()).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/)
  socket.destroy()
})

it('a client that takes nothing of an answer for that long is cut off, and the app’s connection with it', async () => {
  await using pouring = await startRawApp((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    const pour = () => {
      while (!socket.destroyed && socket.write(chunk)) {}
    }
    socket.on('drain', pour)
    pour()
  })
  await using gateway = await openTestGateway({ upstream: pouring.url, config: { limits } })
  const socket = open(gateway.url)
  socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  socket.pause()
  await expect.poll(pouring.openConnections, { timeout: 5_000 }).toBe(0)
  socket.destroy()
})
