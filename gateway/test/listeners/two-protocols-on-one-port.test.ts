import { execFile } from 'node:child_process'
import { request } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { Agent, fetch as undiciFetch } from 'undici'
import { afterAll, describe, expect, it } from 'vitest'
import { startEchoApp } from '../echo-app.ts'
import { ada, addAccount } from '../test-gateway.ts'
import { connectHttp2 } from './http2-client.ts'
import { openSecureGateway } from './secure-gateway.ts'

const opened = new AsyncDisposableStack()
const app = opened.use(await startEchoApp())
const gateway = opened.use(
  await openSecureGateway({
    upstream: app.url,
    config: {
      policies: {
        calls: { quota: 3, per: '10m', by: 'user' },
        logins: { quota: 100, per: '10m', by: 'account' },
      },
    },
  }),
)
await addAccount(gateway)
const { url, ca } = gateway
afterAll(() => opened.disposeAsync())

const json = { 'content-type': 'application/json' }
const login = JSON.stringify({ email: ada.email, password: ada.password })

describe('the same gateway to every client', () => {
  it('logs in and limits over HTTP/2', async () => {
    await using client = await connectHttp2(gateway)
    const loggedIn = await client.ask({ ':path': '/auth/login', ':method': 'POST', ...json }, login)
    expect(loggedIn.status).toBe(200)
    // publicUrl follows from TLS, and the cookies from publicUrl.
    expect(loggedIn.headers['set-cookie']).toEqual(
      expect.arrayContaining([expect.stringMatching(/^__Host-.*; Secure/)]),
    )
    const { accessToken } = JSON.parse(loggedIn.body) as { accessToken: string }
    const authorization = `Bearer ${accessToken}`
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await client.ask({ ':path': '/api/vente', authorization }))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
    expect(answers[3]?.headers).toMatchObject({
      ratelimit: expect.stringMatching(/^"calls";r=0;t=\d+$/),
      'retry-after': expect.stringMatching(/^\d+$/),
      'content-type': 'application/problem+json',
    })
    // All that HTTP/1.1 says of its connection is gone.
    for (const { headers } of answers) expect(Object.keys(headers)).not.toContain('connection')
  })

  it('logs in by a browser’s cookies, which HTTP/2 sends in crumbs', async () => {
    await using client = await connectHttp2(gateway)
    const { headers } = await client.ask({ ':path': '/auth/login', ':method': 'POST', ...json }, login)
    const crumbs = (headers['set-cookie'] as string[]).map((cookie) => cookie.split(';')[0] as string)
    const answer = await client.ask({ ':path': '/auth/me', cookie: ['theme=dark', ...crumbs] as never })
    expect(JSON.parse(answer.body)).toMatchObject({ email: ada.email })
    const echoed = await client.ask({ ':path': '/x', cookie: ['theme=dark', 'size=2', ...crumbs] as never })
    expect(JSON.parse(echoed.body).headers.cookie).toBe('theme=dark; size=2')
  })

  it('Node’s HTTPS client', async () => {
    const [status, version] = await new Promise<[number, string]>((resolve, reject) => {
      request(`${url}/x`, { ca, agent: false }, (response) => {
        response.resume()
        resolve([response.statusCode ?? 0, response.httpVersion])
      })
        .once('error', reject)
        .end()
    })
    expect([status, version]).toEqual([200, '1.1'])
  })

  it.each([true, false])('undici, HTTP/2 allowed: %s', async (allowH2) => {
    await using dispatcher = Object.assign(new Agent({ allowH2, connect: { ca } }), {
      [Symbol.asyncDispose]: () => dispatcher.destroy(),
    })
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        undiciFetch(`${url}/x?${i}`, { dispatcher, method: 'POST', body: `body ${i}` }).then(
          async (answer) => ({
            status: answer.status,
            body: ((await answer.json()) as { body: string }).body,
          }),
        ),
      ),
    )
    expect(answers).toEqual(Array.from({ length: 30 }, (_, i) => ({ status: 200, body: `body ${i}` })))
  })

  it.each(['--http2', '--http1.1'])('curl %s', async (protocol) => {
    const { stdout } = await promisify(execFile)('curl', [
      ...[
        '-sS',
        protocol,
        '--cacert',
        gateway.certificates.caFile,
        '-d',
        'a=1',
        '-w',
        ' %{http_version}',
        `${url}/x`,
      ],
    ])
    expect(stdout).toMatch(protocol === '--http2' ? / 2$/ : / 1\.1$/)
    expect(JSON.parse(stdout.replace(/ [\d.]+$/, ''))).toMatchObject({ method: 'POST', body: 'a=1' })
  })

  it('a client that knows TLS 1.1 only is not served', async () => {
    const { hostname, port } = new URL(url)
    const socket = connectTls({
      host: hostname,
      port: Number(port),
      ca,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
    })
    const outcome = await new Promise((resolve) => {
      socket.once('secureConnect', () => resolve('served')).once('error', () => resolve('refused'))
    })
    socket.destroy()
    expect(outcome).toBe('refused')
  })

  it('who speaks in clear gets nothing, and the next is served', async () => {
    await expect(fetch(url.replace('https', 'http'))).rejects.toThrow()
    await using client = await connectHttp2(gateway)
    expect((await client.ask({ ':path': '/x' })).status).toBe(200)
  })
})
