import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hitsKey } from '../connections/redis-keys.ts'
import { type EchoApp, startEchoApp } from './echo-app.ts'
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts'
import { type PrivateRedis, startRedis } from './servers/redis.ts'
import { addAccount, logIn, temporaryDirectory } from './test-gateway.ts'

const opened = new AsyncDisposableStack()
let redis: PrivateRedis
let hits: Redis
let app: EchoApp
/** Answers that the app holds back until told. */
const held: ServerResponse[] = []

beforeAll(async () => {
  redis = opened.use(await startRedis())
  hits = new Redis(redis.url(1))
  opened.defer(async () => void (await hits.quit()))
  app = opened.use(
    await startEchoApp((request, response) => {
      if (request.url === '/begun') response.write('begun')
      if (request.url === '/begun' || request.url?.endsWith('/slow')) held.push(response)
      else response.end('fast')
    }),
  )
})
afterAll(() => opened.disposeAsync())

async function openGateway(drainTimeout: string) {
  await using opening = new AsyncDisposableStack()
  const { path: directory } = opening.use(await temporaryDirectory())
  await hits.flushall()
  held.length = 0
  const gateway = opening.use(
    await startGatewayProcess({
      ...{ upstream: app.url, directory, sessions: redis.url(0), hits: redis.url(1) },
      config: { limits: { drainTimeout } },
    }),
  )
  await addAccount(gateway)
  const { authorization } = await logIn(gateway)
  const slowCall = () => fetch(`${gateway.url}/api/vente/slow`, { headers: authorization })
  const fastCall = async () => (await fetch(`${gateway.url}/api/achat`, { headers: authorization })).text()
  const parts = opening.move()
  return { ...gateway, slowCall, fastCall, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function openSocket({ url }: Pick<GatewayProcess, 'url'>): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const closed = (socket: Socket) => once(socket, 'close').then(() => performance.now())

test('SIGTERM: what runs is finished, what is idle or silent is closed, newcomers are refused, hits are written, exit 0', async () => {
  await using gateway = await openGateway('8s')
  const [silent, idle] = await Promise.all([openSocket(gateway), openSocket(gateway)])
  idle.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  expect(String((await once(idle, 'data'))[0])).toContain('HTTP/1.1 200')
  for (let call = 0; call < 3; call++) expect(await gateway.fastCall()).toBe('fast')
  // Its headers left before the drain, without `Connection: close`.
  const begun = await openSocket(gateway)
  begun.write('GET /begun HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(begun, 'data')
  const slow = gateway.slowCall()
  await expect.poll(() => held.length).toBe(2)

  const startedAtMs = performance.now()
  const ended = gateway.process.stop('SIGTERM')
  const [silentMs, idleMs] = await Promise.all([closed(silent), closed(idle)])
  expect(Math.max(silentMs, idleMs) - startedAtMs).toBeLessThan(2_000)
  const late = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  expect(await once(late, 'connect').catch(({ code }) => code)).toBe('ECONNREFUSED')
  late.destroy()

  for (const response of held) response.end('in its own time')
  const answer = await slow
  expect([answer.status, answer.headers.get('connection'), await answer.text()]).toEqual([
    200,
    'close',
    'in its own time',
  ])
  expect(await ended).toEqual({ kind: 'exit', code: 0 })
  expect(performance.now() - startedAtMs).toBeLessThan(6_000)
  expect(gateway.process.stderr).toBe('')
  expect(await hits.hgetall(hitsKey.services)).toEqual({ achat: '3', vente: '1' })
  expect(await hits.llen(hitsKey.recent)).toBe(4)
})

test('SIGTERM: an app that never answers holds nobody longer than the deadline, and exit is 0', async () => {
  await using gateway = await openGateway('300ms')
  const slow = gateway.slowCall().catch(() => 'cut')
  await expect.poll(() => held.length).toBe(1)
  const startedAtMs = performance.now()
  expect(await gateway.process.stop('SIGTERM')).toEqual({ kind: 'exit', code: 0 })
  expect(performance.now() - startedAtMs).toBeLessThan(3_000)
  expect(await slow).toBe('cut')
})

test('a second SIGTERM ends it at once; so does SIGKILL; the next start counts on where they were', async () => {
  await using gateway = await openGateway('1h')
  await gateway.fastCall()
  await expect.poll(() => hits.hget(hitsKey.services, 'achat'), { timeout: 5_000 }).toBe('1')
  const cut = gateway.slowCall().catch(() => 'cut')
  await expect.poll(() => held.length).toBe(1)
  const first = gateway.process.stop('SIGTERM')
  const refused = () =>
    openSocket(gateway).then(
      (socket) => Boolean(socket.destroy()) && false,
      () => true,
    )
  await expect.poll(refused).toBe(true)
  const startedAtMs = performance.now()
  expect(await gateway.process.stop('SIGTERM')).toEqual({ kind: 'exit', code: 143 })
  expect(performance.now() - startedAtMs).toBeLessThan(1_000)
  await first
  expect(await cut).toBe('cut')

  const again = async () => {
    const { directory } = gateway
    const options = { upstream: app.url, directory, sessions: redis.url(0), hits: redis.url(1) }
    return startGatewayProcess(options)
  }
  {
    await using second = await again()
    const { authorization } = await logIn(second)
    const answer = await fetch(`${second.url}/api/achat`, { headers: authorization })
    // Two calls of ten were made before, the one that was cut among them.
    expect(answer.headers.get('ratelimit')).toMatch(/r=7;/)
    expect(await answer.text()).toBe('fast')
    await expect.poll(() => hits.hget(hitsKey.services, 'achat'), { timeout: 5_000 }).toBe('2')
    expect(await second.process.stop('SIGKILL')).toEqual({ kind: 'signal', signal: 'SIGKILL' })
  }
  await using third = await again()
  const { authorization } = await logIn(third)
  const answer = await fetch(`${third.url}/api/achat`, { headers: authorization })
  expect(answer.headers.get('ratelimit')).toMatch(/r=6;/)
})
