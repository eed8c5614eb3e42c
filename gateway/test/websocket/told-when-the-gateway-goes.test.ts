import { once } from 'node:events'
import { afterAll, expect, inject, it } from 'vitest'
import { startGatewayProcess } from '../gateway-process.ts'
import { temporaryDirectory } from '../test-gateway.ts'
import { closed, nextMessage, openWebsocket } from './open-websocket.ts'
import { startWebsocketApp } from './websocket-app.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startWebsocketApp())
afterAll(() => opened.disposeAsync())

it('SIGTERM closes every WebSocket with 1001, at the app too, and the process ends although one does not answer', async () => {
  const { path: directory } = opened.use(await temporaryDirectory())
  await using gateway = await startGatewayProcess({
    ...{ upstream: app.url, directory },
    config: { limits: { drainTimeout: '8s' } },
  })
  const polite = await Promise.all(Array.from({ length: 20 }, () => openWebsocket(gateway)))
  const deaf = await openWebsocket(gateway)
  deaf.pause()
  const endings = polite.map(closed)
  const theirEndings = app.sockets.slice(0, 20).map((socket) => once(socket, 'close'))

  const startedAtMs = performance.now()
  const exit = gateway.process.stop('SIGTERM')
  expect(new Set((await Promise.all(endings)).map(String))).toEqual(new Set(['1001,going away']))
  expect((await Promise.all(theirEndings)).map(([code]) => code)).toContain(1001)
  expect(await exit).toMatchObject({ code: 0 })
  expect(performance.now() - startedAtMs).toBeLessThan(8_000)
  deaf.terminate()
  await expect.poll(() => app.openConnections()).toBe(0)
})

it('SIGHUP with several workers replaces them: their WebSockets are closed with 1001, and come back to the new ones', async () => {
  const { path: directory } = opened.use(await temporaryDirectory())
  const [sessions, hits] = ['/66', '/67'].map((path) => new URL(path, inject('redisUrl')).href)
  await using gateway = await startGatewayProcess({
    ...{ upstream: app.url, directory, sessions: sessions as string, hits: hits as string },
    config: { workers: 2, limits: { drainTimeout: '8s' } },
  })
  const sockets = await Promise.all(Array.from({ length: 4 }, () => openWebsocket(gateway)))
  const endings = sockets.map(closed)
  process.kill(gateway.process.pid, 'SIGHUP')
  expect(new Set((await Promise.all(endings)).map(String))).toEqual(new Set(['1001,going away']))
  const again = await openWebsocket(gateway)
  again.send('as before')
  expect(await nextMessage(again)).toBe('as before')
})
