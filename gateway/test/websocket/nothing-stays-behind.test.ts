import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { metricsOf, sumOf } from '../calls.ts'
import { startRawApp } from '../proxying/raw-app.ts'
import { openTestGateway } from '../test-gateway.ts'
import { closed, handshake, nextMessage, openWebsocket } from './open-websocket.ts'
import { startWebsocketApp } from './websocket-app.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startWebsocketApp())
const gateway = opened.use(await openTestGateway({ upstream: app.url }))
afterAll(() => opened.disposeAsync())

const times = 200
const soon = { timeout: 10_000 }
const openNow = async () => sumOf(await metricsOf(gateway), 'guichet_websockets_open')

/** Connections of this process that are open, at whichever end. */
const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

async function openRaw(bytes: string): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

/** In batches, since what is tested is what stays and not how many a small machine can open at once. */
async function often(act: (i: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < times; from += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => act(from + i)))
  }
}

async function expectNothingLeft(before: number): Promise<void> {
  await expect.poll(() => app.openConnections(), soon).toBe(0)
  await expect.poll(openNow, soon).toBe(0)
  // The scrape's own connection is kept alive.
  await expect.poll(openSockets, soon).toBeLessThanOrEqual(before + 4)
  const socket = await openWebsocket(gateway)
  socket.send('still here')
  expect(await nextMessage(socket)).toBe('still here')
  socket.close()
  await closed(socket)
}

it('200 clients that vanish from an open WebSocket take the app’s connection with them', async () => {
  const before = openSockets()
  await often(async (i) => {
    const socket = await openWebsocket(gateway)
    socket.send('half a conversation')
    // One half says goodbye to the kernel, the other resets.
    if (i % 2 === 0) socket.terminate()
    else (socket as unknown as { _socket: Socket })._socket.resetAndDestroy()
  })
  await expectNothingLeft(before)
})

it('200 clients that reset before the 101 leave nothing behind', async () => {
  const before = openSockets()
  await often(async () => {
    const socket = await openRaw(handshake('/'))
    socket.resetAndDestroy()
  })
  await expectNothingLeft(before)
})

it('200 apps that reset an open WebSocket close the client’s', async () => {
  const before = openSockets()
  await often(async () => {
    const from = app.sockets.length
    const socket = await openWebsocket(gateway)
    const ending = closed(socket)
    for (const theirs of app.sockets.slice(from)) {
      ;(theirs as unknown as { _socket: Socket })._socket.resetAndDestroy()
    }
    expect((await ending)[0]).toBe(1006)
  })
  await expectNothingLeft(before)
})

it('an app that resets instead of answering is 502 to the client; a client that waits for it may leave', async () => {
  let isResetting = true
  await using raw = await startRawApp((socket) => {
    if (isResetting) socket.resetAndDestroy()
  })
  await using other = await openTestGateway({ upstream: raw.url })
  const { hostname, port } = new URL(other.url)
  const ask = async () => {
    const socket = connect(Number(port), hostname).on('error', () => {})
    socket.write(handshake('/'))
    return socket
  }
  const refused = await ask()
  expect(String((await once(refused, 'data'))[0])).toMatch(/^HTTP\/1\.1 502 /)
  await once(refused, 'close')

  isResetting = false
  for (const leave of ['resetAndDestroy', 'end'] as const) {
    const waiting = await ask()
    await expect.poll(() => raw.openConnections()).toBe(1)
    waiting[leave]()
    await expect.poll(() => raw.openConnections()).toBe(0)
  }
})

it('bytes that are no HTTP after a handshake, and handshakes in a row, end nothing but themselves', async () => {
  const before = openSockets()
  const nonsense = [
    `${handshake('/')}${handshake('/')}`,
    `GET / HTTP/1.1\r\nHost: a\r\n\r\n${handshake('/')}`,
    handshake('http://127.0.0.1:9/x'),
    handshake('/\\x'),
    handshake('*'),
    `${handshake('/nowhere')}\0\x01\x02`,
  ]
  const sockets = await Promise.all(nonsense.map(openRaw))
  await Promise.all(sockets.map((socket) => once(socket, 'data')))
  for (const socket of sockets) socket.resetAndDestroy()
  await expectNothingLeft(before)
})

it('a client that reads nothing holds the app back instead of filling memory, and the other way round', async () => {
  const chunk = Buffer.alloc(1024 * 1024)
  let stop = false
  const flood = async (socket: { send(data: Buffer, sent: () => void): void; bufferedAmount: number }) => {
    while (!stop && socket.bufferedAmount < 32 * 1024 * 1024) {
      socket.send(chunk, () => {})
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  const socket = await openWebsocket(gateway)
  const theirs = app.sockets.at(-1) as NonNullable<(typeof app.sockets)[number]>
  socket.pause()
  await flood(theirs)
  // Beyond what the kernel holds, all of it waits at its sender.
  expect(theirs.bufferedAmount).toBeGreaterThan(16 * 1024 * 1024)
  theirs.pause()
  await flood(socket)
  expect(socket.bufferedAmount).toBeGreaterThan(16 * 1024 * 1024)
  stop = true
  socket.terminate()
  await expect.poll(() => app.openConnections(), soon).toBe(0)
})

it('a client that takes nothing for longer than allowed is cut', async () => {
  await using strict = await openTestGateway({
    upstream: app.url,
    config: { limits: { headersTimeout: '1s', requestTimeout: '1s' } },
  })
  const idle = await openWebsocket(strict)
  const socket = await openWebsocket(strict)
  const theirs = app.sockets.at(-1) as NonNullable<(typeof app.sockets)[number]>
  socket.pause()
  const ending = closed(theirs)
  theirs.send(Buffer.alloc(24 * 1024 * 1024))
  expect((await ending)[0]).toBe(1006)
  // To be silent when nothing waits is no offence.
  idle.send('still here')
  expect(await nextMessage(idle)).toBe('still here')
  for (const each of [idle, socket]) each.terminate()
})

it('one side that has ended takes the other with it, however long that one would stay', async () => {
  await using strict = await openTestGateway({
    upstream: app.url,
    config: { limits: { headersTimeout: '1s', requestTimeout: '1s' } },
  })
  const socket = await openWebsocket(strict)
  const theirs = app.sockets.at(-1) as unknown as { _socket: Socket }
  // No close frame, and an app that does not answer the end with its own.
  theirs._socket.removeAllListeners('end')
  theirs._socket.allowHalfOpen = true
  ;(socket as unknown as { _socket: Socket })._socket.end()
  await expect.poll(async () => sumOf(await metricsOf(strict), 'guichet_websockets_open'), soon).toBe(0)
  theirs._socket.destroy()
})
