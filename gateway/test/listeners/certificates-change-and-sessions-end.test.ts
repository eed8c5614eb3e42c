import { once } from 'node:events'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { startEchoApp } from '../echo-app.ts'
import { answerOf, connectHttp2 } from './http2-client.ts'
import { openSecureGateway, type SecureGateway } from './secure-gateway.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(
  await startEchoApp((request, response) => {
    if (request.url === '/slow') setTimeout(() => response.end('late'), 700)
    else response.end('ok')
  }),
)
afterAll(() => opened.disposeAsync())

async function issuerAt({ url, ca }: { url: string; ca: string }): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connectTls({ host: hostname, port: Number(port), ca, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { issuer } = socket.getPeerCertificate()
  socket.destroy()
  return String(issuer.CN)
}

async function expiryShown({ adminUrl }: SecureGateway): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return Number(/^guichet_certificate_expiry_timestamp_seconds (\S+)/m.exec(text)?.[1])
}

describe('a certificate that is renewed', () => {
  it('is served without a restart and without a failed call; one that is of no use is not', async () => {
    const log: string[] = []
    await using gateway = await openSecureGateway({ upstream: app.url, onLog: (line) => log.push(line) })
    const at = (name: string): string => join(gateway.directory, name)
    expect(Math.abs((await expiryShown(gateway)) - (Date.now() / 1000 + 2 * 86_400))).toBeLessThan(120)
    expect(await issuerAt(gateway)).toBe('ca')

    let isCalling = true
    const failures: unknown[] = []
    await using steady = await connectHttp2(gateway)
    const calling = [
      (async () => {
        while (isCalling) if ((await steady.ask({ ':path': '/x' })).status !== 200) failures.push('steady')
      })(),
      (async () => {
        while (isCalling) {
          await using fresh = await connectHttp2({
            ...gateway,
            ca: `${gateway.ca}${gateway.certificates.selfSigned.cert}`,
          })
          if ((await fresh.ask({ ':path': '/x' })).status !== 200) failures.push('fresh')
          await sleep(20)
        }
      })(),
    ]
    // The key of another: refused, with one line that says what to do.
    await copyFile(at('wrong.key'), at('good.key'))
    await expect
      .poll(() => log.filter((line) => line.includes('cannot be used')).length, { timeout: 15_000 })
      .toBe(1)
    expect(log.find((line) => line.includes('cannot be used'))).toContain(
      'name the two files that were made together',
    )
    expect(await issuerAt(gateway)).toBe('ca')
    await copyFile(at('self.pem'), at('good.pem'))
    await copyFile(at('self.key'), at('good.key'))
    await expect.poll(() => issuerAt(gateway), { timeout: 15_000 }).toBe('self')
    isCalling = false
    await Promise.all(calling)
    expect(failures).toEqual([])
  }, 60_000)
})

describe('a gateway that stops', () => {
  it('lets requests by HTTP/2 finish, tells their clients to go, and waits for no idle one', async () => {
    await using gateway = await openSecureGateway({
      upstream: app.url,
      config: { limits: { drainTimeout: '5s' } },
    })
    await using idle = await connectHttp2(gateway)
    expect((await idle.ask({ ':path': '/x' })).status).toBe(200)
    await using busy = await connectHttp2(gateway)
    const told = once(busy.session, 'goaway')
    const running = answerOf(busy.begin({ ':path': '/slow' }))
    await expect.poll(() => app.seen.some(({ url }) => url === '/slow')).toBe(true)
    const fromMs = performance.now()
    await gateway[Symbol.asyncDispose]()
    expect(performance.now() - fromMs).toBeLessThan(4_000)
    expect(await running).toMatchObject({ status: 200, body: 'late', closedWith: 0 })
    expect((await told)[0]).toBe(0)
    await expect.poll(() => idle.session.closed).toBe(true)
  })

  it('cuts at its deadline what does not finish', async () => {
    await using stuck = await startEchoApp(() => {})
    const gateway = await openSecureGateway({
      upstream: stuck.url,
      config: { limits: { drainTimeout: '300ms' } },
    })
    await using client = await connectHttp2(gateway)
    const running = answerOf(client.begin({ ':path': '/x' }))
    await expect.poll(() => stuck.seen.length).toBe(1)
    const fromMs = performance.now()
    await gateway[Symbol.asyncDispose]()
    expect(performance.now() - fromMs).toBeLessThan(3_000)
    expect((await running).closedWith).not.toBe(0)
  })
})

it('a WebSocket comes by TLS as well, beside HTTP/2 on the same port', async () => {
  const echo = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(echo, 'listening')
  echo.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  try {
    const upstream = `http://127.0.0.1:${(echo.address() as { port: number }).port}`
    await using gateway = await openSecureGateway({ upstream })
    const socket = new WebSocket(gateway.url.replace('https', 'wss'), { ca: gateway.ca })
    await once(socket, 'open')
    socket.send('hello')
    const [data] = await once(socket, 'message')
    expect(String(data)).toBe('hello')
    socket.close()
    await once(socket, 'close')
  } finally {
    echo.close()
  }
})
