import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import type { GatewayConfig } from '../../config/config.ts'
import { parseConfig } from '../../config/load.ts'
import { addAccount, logIn, openTestGateway, testConfig } from '../test-gateway.ts'
import { nextMessage, openWebsocket } from './open-websocket.ts'
import { startWebsocketApp } from './websocket-app.ts'

const opened = new AsyncDisposableStack()
let holding: Promise<unknown> = Promise.resolve()
const app = opened.use(
  await startWebsocketApp(undefined, {
    verifyClient: (_info, answer) => void holding.then(() => answer(true)),
  }),
)
const gateway = opened.use(await openTestGateway({ upstream: app.url }))
await addAccount(gateway)
const { authorization: headers } = await logIn(gateway)
afterAll(() => opened.disposeAsync())

/** The same configuration, but for the address of the app. */
function leadingTo(upstream: string): GatewayConfig {
  const text = JSON.stringify(testConfig({ upstream, directory: gateway.directory }))
  const parsed = parseConfig(text, { file: 'test', environment: {} })
  if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems))
  return parsed.config
}

async function callsOfVente(): Promise<number> {
  const response = await fetch(`${gateway.adminUrl}/api/stats/services`, {
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  })
  const services = (await response.json()) as { service: string; calls: number }[]
  return services.find(({ service }) => service === 'vente')?.calls ?? 0
}

it('a WebSocket that is open stays open, and the next handshake meets the new app', async () => {
  await using other = await startWebsocketApp((socket) => socket.send('another'))
  const socket = await openWebsocket(gateway, '/')
  await gateway.reload(leadingTo(other.url))
  await sleep(300)
  socket.send('still here')
  expect(await nextMessage(socket)).toBe('still here')
  const next = await openWebsocket(gateway, '/')
  expect(other.seen).toHaveLength(1)
  next.terminate()
  socket.terminate()
  await gateway.reload(leadingTo(app.url))
})

it('a handshake that waits for its app is answered, and counted, by what it began with', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  holding = promise
  const opening = openWebsocket(gateway, '/api/vente', { headers })
  await expect.poll(() => app.openConnections()).toBeGreaterThan(0)
  await gateway.reload(leadingTo('http://127.0.0.1:9'))
  await sleep(300)
  resolve()
  const socket = await opening
  socket.send('as ever')
  expect(await nextMessage(socket)).toBe('as ever')
  await expect.poll(callsOfVente).toBe(1)
  socket.terminate()
})
