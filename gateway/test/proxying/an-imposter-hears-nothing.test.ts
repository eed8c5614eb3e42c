import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { openTestGateway, temporaryDirectory } from '../test-gateway.ts'
import { ask } from './ask.ts'
import { type Certificate, makeCertificates } from './certificates.ts'

const opened = new AsyncDisposableStack()
const certificates = await makeCertificates(opened.use(await temporaryDirectory()).path)
afterAll(() => opened.disposeAsync())

/** Speaks HTTP/2 too, as many do, and counts what it hears once it has been believed. */
async function startSecureApp({ key, cert }: Certificate) {
  const seen: string[] = []
  let bytes = 0
  const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
    seen.push(`${request.httpVersion} ${request.method}`)
    response.end('trusted')
  })
  const sockets = new Set<{ destroy(): void }>()
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    bytesHeard: () => bytes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const behind = (url: string, ca?: string) =>
  openTestGateway({
    upstream: url,
    config: { upstreams: { app: { url, connectTimeout: '1s', ...(ca === undefined ? {} : { ca }) } } },
  })

const order = { method: 'POST', body: 'secret order' }

it('an app whose certificate the configured authority signed is asked, over HTTP/1.1', async () => {
  await using app = await startSecureApp(certificates.good)
  await using gateway = await behind(app.url, certificates.caFile)
  expect(await ask(gateway.url, '/x', order)).toMatchObject({ status: 200, body: 'trusted' })
  expect(app.seen).toEqual(['1.1 POST'])
  expect(app.bytesHeard()).toBeGreaterThan(0)
})

it.each([
  ['for another name', certificates.wrongName, certificates.caFile],
  ['that has expired', certificates.expired, certificates.caFile],
  ['that it signed itself', certificates.selfSigned, certificates.caFile],
  ['of an authority that nobody has configured', certificates.good, undefined],
  ['that it signed itself, when nothing is configured', certificates.selfSigned, undefined],
])('an app with a certificate %s is 502, and hears not a byte of the request', async (_, certificate, ca) => {
  await using app = await startSecureApp(certificate)
  await using gateway = await behind(app.url, ca)
  const { status, body } = await ask(gateway.url, '/x', order)
  expect([status, JSON.parse(body).code]).toEqual([502, 'upstream-unreachable'])
  expect([app.seen, app.bytesHeard()]).toEqual([[], 0])
})
