import { once } from 'node:events'
import { afterAll, expect, it } from 'vitest'
import { metricsOf, sumOf } from '../calls.ts'
import { startRedis } from '../servers/redis.ts'
import { addAccount, logIn, openTestGateway, type TestGateway } from '../test-gateway.ts'
import { closed, nextMessage, openWebsocket } from './open-websocket.ts'
import { startWebsocketApp } from './websocket-app.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startWebsocketApp())
const redis = opened.use(await startRedis())
afterAll(() => opened.disposeAsync())

async function callsOf(gateway: TestGateway): Promise<unknown> {
  const response = await fetch(`${gateway.adminUrl}/api/stats/services`, {
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  })
  return response.json()
}

it('a WebSocket is one call, counted and logged when it opens and never again', async () => {
  const lines: Record<string, unknown>[] = []
  const onLog = (line: string) => void lines.push(JSON.parse(line))
  await using gateway = await openTestGateway({ upstream: app.url, onLog })
  await addAccount(gateway)
  const { authorization, account } = await logIn(gateway)
  const logged = () => lines.filter(({ path }) => path === '/api/vente/live')

  const socket = await openWebsocket(gateway, '/api/vente/live?token=secret', { headers: authorization })
  await expect.poll(logged).toMatchObject([
    {
      status: 101,
      method: 'GET',
      caller: account.id,
      decision: 'allowed',
      upstream: 'app',
      path: '/api/vente/live',
    },
  ])
  const metrics = await metricsOf(gateway)
  const code101 = { route: '/api/vente', method: 'GET', code: '101' }
  expect(sumOf(metrics, 'guichet_http_requests_total', code101)).toBe(1)
  expect(sumOf(metrics, 'guichet_websockets_open')).toBe(1)
  await expect.poll(() => callsOf(gateway)).toContainEqual({ service: 'vente', calls: 1 })

  for (let i = 0; i < 20; i++) {
    socket.send(`message ${i}`)
    await nextMessage(socket)
  }
  socket.close()
  await closed(socket)
  await expect.poll(async () => sumOf(await metricsOf(gateway), 'guichet_websockets_open')).toBe(0)
  expect(sumOf(await metricsOf(gateway), 'guichet_http_requests_total', code101)).toBe(1)
  expect(logged()).toHaveLength(1)
  expect(await callsOf(gateway)).toContainEqual({ service: 'vente', calls: 1 })
  expect(JSON.stringify(lines)).not.toContain('secret')
})

it('a handshake that fails at the app gives its place back where the policy says so', async () => {
  await using gateway = await openTestGateway({
    upstream: 'http://127.0.0.1:1',
    config: {
      policies: {
        calls: { quota: 1, per: '10m', by: 'user', refund: ['502'] },
        logins: { quota: 1000, per: '10m', by: 'account' },
      },
    },
  })
  await addAccount(gateway)
  const { authorization } = await logIn(gateway)
  for (let i = 0; i < 3; i++) {
    const failing = openWebsocket(gateway, '/api/vente', { headers: authorization })
    await expect(failing).rejects.toThrow('502')
    await expect
      .poll(async () => (await fetch(`${gateway.url}/quota`, { headers: authorization })).json())
      .toMatchObject({ policies: [{ remaining: 1 }] })
  }
})

it.each([
  ['in process', () => 'embedded'],
  ['in Redis', () => redis.url(0)],
])('a limit on what runs at once is a limit on open WebSockets, with windows %s', async (_, sessions) => {
  await using gateway = await openTestGateway({
    upstream: app.url,
    sessions: sessions(),
    config: {
      policies: {
        calls: { quota: 2, per: '10m', by: 'user', algorithm: 'concurrent' },
        logins: { quota: 1000, per: '10m', by: 'account' },
      },
    },
  })
  await addAccount(gateway)
  const { authorization } = await logIn(gateway)
  const open = () => openWebsocket(gateway, '/api/vente', { headers: authorization })
  const [first, second] = [await open(), await open()]
  await expect(open()).rejects.toThrow('429')
  first.close()
  await once(first, 'close')
  await expect.poll(() => open().then(() => 'open', String), { timeout: 5_000 }).toBe('open')
  await expect(open()).rejects.toThrow('429')
  second.terminate()
})
