import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { openTestGateway } from '../test-gateway.ts'

const silenceMs = 500
/** More than the kernel's buffers hold. */
const bytes = 30_000_000
const opened = new AsyncDisposableStack()
const app = opened.use(
  await startEchoApp((_request, response) => {
    response.writeHead(200, { 'cache-control': 'public, max-age=600', 'content-length': bytes })
    response.end(Buffer.alloc(bytes))
  }),
)
const { url } = opened.use(
  await openTestGateway({
    upstream: app.url,
    config: {
      cache: { maxBytes: 100_000_000, maxEntryBytes: 50_000_000 },
      limits: { requestTimeout: `${silenceMs}ms`, headersTimeout: '300ms' },
      routes: [
        { path: '/', upstream: 'app', access: 'public' },
        { path: '/stored', upstream: 'app', access: 'public', cache: true },
      ],
    },
  }),
)
afterAll(() => opened.disposeAsync())

function beginSlowly(path: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  return socket.pause()
}

async function received(socket: Socket): Promise<number> {
  let count = 0
  socket.on('data', (chunk) => {
    count += chunk.length
  })
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
  return count
}

it.each(['/streamed', '/stored'])('of an answer at %s', async (path) => {
  // So that it is stored, where it is to be.
  expect((await (await fetch(`${url}${path}`)).arrayBuffer()).byteLength).toBe(bytes)
  const socket = beginSlowly(path)
  await sleep(silenceMs * 4)
  const count = await received(socket)
  expect(count).toBeGreaterThan(0)
  expect(count).toBeLessThan(bytes)
})
