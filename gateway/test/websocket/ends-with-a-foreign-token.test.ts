import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, expect, it } from 'vitest'
import { openTestGateway } from '../test-gateway.ts'
import { closed, nextMessage, openWebsocket } from './open-websocket.ts'
import { startWebsocketApp } from './websocket-app.ts'

const opened = new AsyncDisposableStack()
const { privateKey, publicKey } = await generateKeyPair('RS256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
const issuer = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })))
issuer.listen(0, '127.0.0.1')
await once(issuer, 'listening')
opened.defer(async () => {
  issuer.closeAllConnections()
  issuer.close()
  await once(issuer, 'close')
})
const app = opened.use(await startWebsocketApp())
const campus = {
  ...{ issuer: 'https://campus.example', audience: 'shop', algorithms: ['RS256'], claims: { role: 'role' } },
  jwksUrl: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`,
}
const gateway = opened.use(
  await openTestGateway({ upstream: app.url, config: { identity: { issuers: { campus } } } }),
)
afterAll(() => opened.disposeAsync())

async function open(lifetimeSeconds: number) {
  const token = await new SignJWT({ email: 'eve@campus.example', name: 'Eve' })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .setIssuer(campus.issuer)
    .setAudience(campus.audience)
    .setSubject('eve')
    .setExpirationTime(Math.floor(Date.now() / 1000) + lifetimeSeconds)
    .sign(privateKey)
  return openWebsocket(gateway, '/api/vente', { headers: { authorization: `Bearer ${token}` } })
}

it('a token of another issuer keeps a WebSocket open as long as it lives', async () => {
  const [short, long] = [await open(2), await open(300)]
  expect(await closed(short)).toEqual([1008, 'token expired'])
  long.send('still here')
  expect(await nextMessage(long)).toBe('still here')
  long.terminate()
})
