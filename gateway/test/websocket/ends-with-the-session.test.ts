import { once } from 'node:events'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { startRedis } from '../servers/redis.ts'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'
import { closed, nextMessage, openWebsocket } from './open-websocket.ts'
import { startWebsocketApp } from './websocket-app.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startWebsocketApp())
const redis = opened.use(await startRedis())
afterAll(() => opened.disposeAsync())

async function open(sessions: string) {
  await using opening = new AsyncDisposableStack()
  const gateway = opening.use(await openTestGateway({ upstream: app.url, sessions }))
  await addAccount(gateway)
  const parts = opening.move()
  return { ...gateway, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const live = '/api/vente/live'
const ended = [1008, 'session ended']

describe.each([
  ['in process', () => 'embedded'],
  ['in Redis', () => redis.url(0)],
])('with sessions %s', (_, sessions) => {
  it('a logout closes the WebSockets of that session with 1008, and no others', async () => {
    await using gateway = await open(sessions())
    const [gone, stays] = [await logIn(gateway), await logIn(gateway)]
    const first = await openWebsocket(gateway, live, { headers: gone.authorization })
    const theirs = app.sockets.at(-1) as NonNullable<(typeof app.sockets)[number]>
    const onPublicRoute = await openWebsocket(gateway, '/', { headers: gone.authorization })
    const other = await openWebsocket(gateway, live, { headers: stays.authorization })
    const nobodys = await openWebsocket(gateway, '/')
    const endings = Promise.all([closed(first), closed(onPublicRoute), closed(theirs)])

    const atMs = performance.now()
    await fetch(`${gateway.url}/auth/logout`, { method: 'POST', headers: gone.authorization })
    expect(await endings).toEqual([ended, ended, ended])
    expect(performance.now() - atMs).toBeLessThan(5_000)
    for (const socket of [other, nobodys]) {
      socket.send('still here')
      expect(await nextMessage(socket)).toBe('still here')
      socket.terminate()
    }
  })

  it('so does an account that is disabled', async () => {
    await using gateway = await open(sessions())
    const { authorization, account } = await logIn(gateway)
    const socket = await openWebsocket(gateway, live, { headers: authorization })
    const ending = closed(socket)
    const response = await fetch(`${gateway.adminUrl}/api/accounts/${account.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${gateway.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ isActive: false }),
    })
    expect(response.status).toBe(200)
    expect(await ending).toEqual(ended)
  })
})

it('a session that expires, of which no news tells, closes its WebSockets within 5 s', async () => {
  await using gateway = await open(redis.url(0))
  const { authorization } = await logIn(gateway)
  const socket = await openWebsocket(gateway, live, { headers: authorization })
  const ending = closed(socket)
  const store = new Redis(redis.url(0))
  const atMs = performance.now()
  for (const key of await store.keys('*:session:*')) await store.del(key)
  await store.quit()
  expect(await ending).toEqual(ended)
  expect(performance.now() - atMs).toBeLessThan(5_000)
})

it('a message under way is not cut in two: its frame ends, then the close frame comes', async () => {
  await using gateway = await open('embedded')
  const { authorization } = await logIn(gateway)
  const socket = await openWebsocket(gateway, live, { headers: authorization })
  const theirs = app.sockets.at(-1) as NonNullable<(typeof app.sockets)[number]>
  // One frame, which the client is slow to take.
  const whole = Buffer.alloc(24 * 1024 * 1024, 'guichet ')
  socket.pause()
  theirs.send(whole)
  theirs.send('never seen')
  const received: Buffer[] = []
  socket.on('message', (data: Buffer) => received.push(data))
  const ending = closed(socket)
  await fetch(`${gateway.url}/auth/logout`, { method: 'POST', headers: authorization })
  setTimeout(() => socket.resume(), 300)
  expect(await ending).toEqual(ended)
  expect(received).toHaveLength(1)
  expect(whole.equals(received[0] as Buffer)).toBe(true)
})

it('a client that ignores its close frame is cut', async () => {
  await using gateway = await open('embedded')
  const { authorization } = await logIn(gateway)
  const socket = await openWebsocket(gateway, live, { headers: authorization })
  socket.pause()
  const theirs = app.sockets.at(-1) as NonNullable<(typeof app.sockets)[number]>
  const ending = once(theirs, 'close')
  await fetch(`${gateway.url}/auth/logout`, { method: 'POST', headers: authorization })
  expect((await ending)[0]).toBe(1006)
  socket.terminate()
})

it('while the store is away nobody can tell, and WebSockets stay', async () => {
  const own = await startRedis()
  await using gateway = await open(own.url(0))
  const { authorization } = await logIn(gateway)
  const socket = await openWebsocket(gateway, live, { headers: authorization })
  await own[Symbol.asyncDispose]()
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  socket.send('still here')
  expect(await nextMessage(socket)).toBe('still here')
  socket.terminate()
})
