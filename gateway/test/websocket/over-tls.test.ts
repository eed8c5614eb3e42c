import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type Certificate, makeCertificates } from '../proxying/certificates.ts'
import { openTestGateway, temporaryDirectory } from '../test-gateway.ts'
import { closed, nextMessage, openWebsocket } from './open-websocket.ts'
import { startWebsocketApp } from './websocket-app.ts'

const opened = new AsyncDisposableStack()
const { path: folder } = opened.use(await temporaryDirectory())
const certificates = await makeCertificates(folder)
afterAll(() => opened.disposeAsync())

const startSecureApp = ({ key, cert }: Certificate) =>
  startWebsocketApp(undefined, {}, createServer({ key, cert }))

const behind = (url: string, ca?: string) =>
  openTestGateway({
    upstream: url,
    config: { upstreams: { app: { url, connectTimeout: '1s', ...(ca === undefined ? {} : { ca }) } } },
  })

it('an app whose certificate the configured authority signed is spoken to over TLS', async () => {
  await using app = await startSecureApp(certificates.good)
  await using gateway = await behind(app.url, certificates.caFile)
  const socket = await openWebsocket(gateway)
  socket.send('in private')
  expect(await nextMessage(socket)).toBe('in private')
  expect(app.seen[0]?.headers.host).toBe(new URL(app.url).host)
  socket.close()
  await closed(socket)
})

it.each([
  ['for another name', certificates.wrongName, certificates.caFile],
  ['that has expired', certificates.expired, certificates.caFile],
  ['that it signed itself', certificates.selfSigned, certificates.caFile],
  ['of an authority that nobody has configured', certificates.good, undefined],
])('an app with a certificate %s is 502 and hears no handshake', async (_, certificate, ca) => {
  await using app = await startSecureApp(certificate)
  await using gateway = await behind(app.url, ca)
  await expect(openWebsocket(gateway)).rejects.toThrow('502')
  expect(app.seen).toEqual([])
})

it('a client speaks TLS to the gateway, which tells the app so', async () => {
  const [cert, key] = [join(folder, 'own.pem'), join(folder, 'own.key')]
  await Promise.all([writeFile(cert, certificates.good.cert), writeFile(key, certificates.good.key)])
  await using app = await startWebsocketApp()
  await using gateway = await openTestGateway({
    upstream: app.url,
    config: { listen: { host: '127.0.0.1', port: 0, publicUrl: 'https://127.0.0.1', tls: { cert, key } } },
  })
  const ca = readFileSync(certificates.caFile)
  const socket = await openWebsocket({ url: gateway.url.replace(/^http:/, 'https:') }, '/', { ca })
  socket.send('in private')
  expect(await nextMessage(socket)).toBe('in private')
  expect(app.seen[0]?.headers['x-forwarded-proto']).toBe('https')
  socket.close()
  await closed(socket)
})
