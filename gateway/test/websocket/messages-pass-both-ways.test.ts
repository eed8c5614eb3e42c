import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { addAccount, logIn, openTestGateway } from '../test-gateway.ts'
import { closed, nextMessage, openWebsocket } from './open-websocket.ts'
import { startWebsocketApp } from './websocket-app.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(
  await startWebsocketApp(undefined, {
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
  }),
)
const gateway = opened.use(await openTestGateway({ upstream: app.url }))
await addAccount(gateway)
const { accessToken, account, authorization } = await logIn(gateway)
afterAll(() => opened.disposeAsync())

it('text and bytes come back as they were sent, with a compression and a protocol that the two agreed on', async () => {
  const socket = await openWebsocket(gateway, '/chat?room=1', {
    protocols: ['chat.v1', 'chat.v2'],
    perMessageDeflate: { threshold: 0 },
  })
  expect([socket.protocol, socket.extensions]).toEqual(['chat.v2', 'permessage-deflate'])
  socket.send('café '.repeat(1_000))
  expect(await nextMessage(socket)).toBe('café '.repeat(1_000))
  socket.send(Buffer.from([0, 255, 136, 3]))
  expect(await nextMessage(socket)).toEqual(Buffer.from([0, 255, 136, 3]))
  expect(app.seen.at(-1)?.url).toBe('/chat?room=1')
  socket.close()
  await closed(socket)
})

it('a message of 10 MB passes in both directions', async () => {
  const socket = await openWebsocket(gateway, '/', { perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 })
  const large = Buffer.alloc(10 * 1024 * 1024, 'guichet ')
  socket.send(large)
  const back = await nextMessage(socket)
  expect(large.equals(back as Buffer)).toBe(true)
  socket.close()
  await closed(socket)
})

it('pings are answered by the other end, and the code and reason of a close arrive there', async () => {
  const socket = await openWebsocket(gateway)
  const theirs = app.sockets.at(-1) as NonNullable<(typeof app.sockets)[number]>
  const heard = once(theirs, 'ping')
  socket.ping('are you there')
  expect(String((await heard)[0])).toBe('are you there')
  expect(String((await once(socket, 'pong'))[0])).toBe('are you there')
  theirs.ping('and you')
  expect(String((await once(theirs, 'pong'))[0])).toBe('and you')

  const told = closed(theirs)
  socket.close(4001, 'enough')
  expect(await told).toEqual([4001, 'enough'])

  const other = await openWebsocket(gateway)
  const toldHere = closed(other)
  app.sockets.at(-1)?.close(4002, 'go away')
  expect(await toldHere).toEqual([4002, 'go away'])
})

it('the app learns who calls, and neither sees our session nor what the client claims', async () => {
  const socket = await openWebsocket(gateway, '/api/vente/live', {
    headers: {
      cookie: `guichet_access=${accessToken}; theme=dark`,
      origin: gateway.url,
      'x-forwarded-user': 'somebody',
      X_Forwarded_User: 'else',
    },
  })
  const headers = app.seen.at(-1)?.headers ?? {}
  expect(headers).toMatchObject({
    cookie: 'theme=dark',
    host: new URL(app.url).host,
    'x-forwarded-user': account.id,
    'x-forwarded-email': 'ada@etu.example',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-host': new URL(gateway.url).host,
    'x-forwarded-proto': 'http',
  })
  expect(headers['x-guichet-assertion']).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
  expect(JSON.stringify(headers)).not.toMatch(/somebody|else/)
  expect(JSON.stringify(headers)).not.toContain(accessToken)
  socket.terminate()
})

it('a bearer token does as well, and the answer tells what is left of the quota', async () => {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/vente/live`, {
    headers: authorization,
  })
  const opening = once(socket, 'open')
  const [answer] = (await once(socket, 'upgrade')) as [IncomingMessage]
  await opening
  expect(answer.headers.ratelimit).toMatch(/^"calls";r=\d;t=\d+$/)
  expect(answer.headers['x-request-id']).toBeTruthy()
  expect(app.seen.at(-1)?.headers).toMatchObject({ 'x-forwarded-user': account.id })
  expect(app.seen.at(-1)?.headers.authorization).toBeUndefined()
  socket.terminate()
})
