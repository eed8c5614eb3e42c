import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { metricsOf } from './calls.ts'
import { type EchoApp, startEchoApp } from './echo-app.ts'
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts'
import { sendRaw } from './raw-http.ts'
import { ada, addAccount, logIn, temporaryDirectory } from './test-gateway.ts'

const adminToken = 'test-admin-token-0123456789'
/** What one line may weigh, path and all. */
const longestLine = 2_000

const opened = new AsyncDisposableStack()
let app: EchoApp
let gateway: GatewayProcess
beforeAll(async () => {
  const { path: directory } = opened.use(await temporaryDirectory())
  app = opened.use(await startEchoApp((_request, response) => response.end('ok')))
  const config = { log: { level: 'trace' } }
  gateway = opened.use(await startGatewayProcess({ upstream: app.url, directory, config }))
  await addAccount(gateway)
})
afterAll(() => opened.disposeAsync())

/** Those that answer something: at trace level other things have lines of their own. */
const lastLines = () => gateway.process.stdout.split('\n').filter((line) => line.includes('"status":'))

describe('one request, one line of bounded length, whatever was sent', () => {
  const cases: [string, string, number][] = [
    [
      'an escape sequence in the user agent',
      `GET /a HTTP/1.1\r\nhost: x\r\nuser-agent: \x1b[31mred\r\n\r\n`,
      400,
    ],
    [
      'U+2028 and NEL as bytes in the user agent',
      'GET /b HTTP/1.1\r\nhost: x\r\nuser-agent: \xe2\x80\xa8\xc2\x85\r\n\r\n',
      200,
    ],
    ['percent-encoded CR LF ESC NUL in the path', 'GET /c%0d%0a%1b%00 HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['percent-encoded U+2028 in the path', 'GET /d%e2%80%a8%22level HTTP/1.1\r\nhost: x\r\n\r\n', 200],
    ['what looks like a line of the log in the path', 'GET /"}{"level":60} HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['an 8 KB path', `GET /${'e'.repeat(8_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 200],
    [
      'a __proto__ header',
      'GET /f HTTP/1.1\r\nhost: x\r\n__proto__: {"polluted":1}\r\nconstructor: y\r\n\r\n',
      200,
    ],
    [
      'a __proto__ query',
      'GET /g?__proto__[polluted]=1&constructor.prototype.polluted=1 HTTP/1.1\r\nhost: x\r\n\r\n',
      200,
    ],
  ]
  test.each(cases)('%s', async (_name, bytes, status) => {
    const before = lastLines().length
    const answer = await sendRaw(gateway.url, bytes, 150)
    expect(answer.status).toBe(status)
    await expect.poll(() => lastLines().length - before).toBe(1)
    const [line = ''] = lastLines().slice(before)
    expect(JSON.parse(line)).toMatchObject({ level: 30, status })
    expect(JSON.parse(line).polluted).toBeUndefined()
    expect(line.length).toBeLessThan(longestLine)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  })

  test('a user agent of 1 MB is 431, and the app hears nothing', async () => {
    const [seen, before] = [app.seen.length, lastLines().length]
    const answer = await sendRaw(
      gateway.url,
      `GET /h HTTP/1.1\r\nhost: x\r\nuser-agent: ${'u'.repeat(1_048_576)}\r\n\r\n`,
    )
    expect(answer.status).toBe(431)
    expect(answer.isClosed).toBe(true)
    expect(app.seen).toHaveLength(seen)
    await expect.poll(() => lastLines().length - before).toBe(1)
    expect(JSON.parse(lastLines().at(-1) as string)).toMatchObject({ status: 431, code: 'headers-too-large' })
    expect(lastLines().at(-1)?.length).toBeLessThan(longestLine)
  })
})

test('after a whole visit no password, token or cookie is in the log, the figures or an error', async () => {
  const bodies: string[] = []
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const answer = await fetch(gateway.url + path, { redirect: 'manual', ...init })
    if (answer.status >= 400) bodies.push(await answer.clone().text(), JSON.stringify([...answer.headers]))
    return answer
  }
  const json = (body: unknown): RequestInit => ({
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  })
  const { accessToken, refreshToken, authorization } = await logIn(gateway)
  const wrong = 'a-wrong-password-of-ada'
  await send('/auth/login', json({ email: ada.email, password: wrong }))
  await send('/auth/login', json({ email: ada.email, password: wrong, extra: { password: wrong } }))
  await send('/auth/login', { ...json({}), body: `{"password":"${wrong}` })
  const form = await send('/auth/login', {
    method: 'POST',
    body: new URLSearchParams({ email: ada.email, password: ada.password }),
  })
  const cookies = form.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0] as string)
  expect(cookies.length).toBeGreaterThanOrEqual(2)
  const held = { cookie: cookies.join('; ') }
  for (let call = 0; call < 12; call++) await send(`/api/vente?token=${accessToken}`, { headers: held })
  await send(`/nowhere//${accessToken}`, { headers: authorization })
  await send('/api/vente', { headers: { authorization: `Bearer ${accessToken}x` } })
  await send('/api/vente', { headers: { ...authorization, ...held } })
  await send('/auth/refresh', json({ refreshToken }))
  await send('/auth/refresh', json({ refreshToken: `${refreshToken}x` }))
  await send('/auth/me', { headers: authorization })
  await send('/auth/logout', { method: 'POST', headers: authorization })
  await send('/api/vente', { headers: authorization })
  for (const token of [adminToken, `${adminToken}x`]) {
    const answer = await fetch(`${gateway.adminUrl}/api/stats/services`, {
      headers: { authorization: `Bearer ${token}` },
    })
    if (answer.status >= 400) bodies.push(await answer.text())
  }
  const metrics = await metricsOf(gateway)
  expect(await gateway.process.stop()).toEqual({ kind: 'exit', code: 0 })

  const [, payload = '', signature = ''] = accessToken.split('.') as [string, string, string]
  const secrets: Record<string, string> = {
    password: ada.password,
    wrong,
    adminToken,
    signature,
    payload,
    refresh: refreshToken.split('.').at(-1) as string,
    ...Object.fromEntries(cookies.map((cookie) => [cookie.split('=')[0], cookie.split('=')[1] as string])),
  }
  const places = { log: gateway.process.stdout + gateway.process.stderr, metrics, errors: bodies.join('\n') }
  expect(places.errors.length).toBeGreaterThan(1_000)
  const found = Object.entries(places).flatMap(([place, text]) =>
    Object.entries(secrets)
      .filter(([, secret]) => secret !== '' && text.includes(secret))
      .map(([name]) => `${name} in ${place}`),
  )
  expect(found).toEqual([])
})
