import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import PostalMime from 'postal-mime'
import { afterAll, expect, test } from 'vitest'
import { startDemo } from '../demo.ts'
import { startEchoApp } from '../echo-app.ts'
import { startMailServer } from '../servers/mail-server.ts'
import { logIn, openTestGateway, temporaryDirectory } from '../test-gateway.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())
const app = opened.use(await startEchoApp((_request, response) => response.end('ok')))

const zoe = { firstName: 'Zoé', lastName: 'Durand', email: 'zoe@etu.example', password: 'a long enough one' }

const post = (url: string, body: object, language = 'en'): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept-language': language },
    body: JSON.stringify(body),
  })

async function openGateway(mail: object) {
  const log: string[] = []
  const gateway = await openTestGateway({
    upstream: app.url,
    config: { mail },
    onLog: (line) => log.push(line),
  })
  return { url: gateway.url, log, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
}

test('by SMTP: a code arrives in the language of the visitor, opens the account, and stands in no log', async () => {
  const server = opened.use(await startMailServer())
  await using gateway = await openGateway({ smtp: server.url, from: 'Les Guichets <guichet@etu.example>' })
  expect((await post(`${gateway.url}/auth/register`, zoe, 'fr')).status).toBe(202)

  const { code = '', link = '', text, parsed } = await server.waitForMailTo(zoe.email)
  expect(text).toMatch(/^Bonjour Zoé,/)
  expect(parsed.from).toMatchObject({ name: 'Les Guichets', address: 'guichet@etu.example' })
  expect((await post(`${gateway.url}/auth/activate`, { email: zoe.email, code })).status).toBe(204)
  expect(await logIn(gateway, zoe)).toMatchObject({ account: { firstName: 'Zoé' } })
  expect(link).toContain('/auth/activate?')
  expect(gateway.log.length).toBeGreaterThan(2)
  expect(gateway.log.join('')).not.toContain(code)
})

test('by SMTP: a server that is away holds nobody up, and gets what waits before the gateway ends', async () => {
  const server = opened.use(await startMailServer())
  await using gateway = await openGateway({ smtp: server.url })
  await server.stop()
  const startedAtMs = performance.now()
  expect((await post(`${gateway.url}/auth/register`, zoe)).status).toBe(202)
  expect(performance.now() - startedAtMs).toBeLessThan(2_000)
  await expect.poll(() => gateway.log.join(''), { timeout: 5_000 }).toContain('mails wait: the mail server')
  await server.start()
  await gateway[Symbol.asyncDispose]()
  const { code = '' } = await server.waitForMailTo(zoe.email)
  expect(code).toMatch(/^\d{6}$/)
  expect(gateway.log.join('')).not.toContain(code)
})

test('in the demo: the mail is a file under data/outbox, and the terminal says where and which code', async () => {
  const { path: directory } = opened.use(await temporaryDirectory())
  const demo = opened.use(await startDemo(directory))
  expect((await post(`${demo.gateway}/auth/register`, zoe)).status).toBe(202)
  const printed = () => demo.process.stdout.split('\n').find((line) => line.startsWith('{"event":"mail"'))
  await expect.poll(printed, { timeout: 5_000 }).toBeDefined()

  const { to, code, file } = JSON.parse(printed() ?? '')
  expect(to).toBe(zoe.email)
  expect(file.startsWith(join(directory, 'outbox/'))).toBe(true)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const { text } = await PostalMime.parse(readFileSync(file))
  expect(text).toContain(code)
  expect((await post(`${demo.gateway}/auth/activate`, { email: zoe.email, code })).status).toBe(204)
})

test('without either nobody can register, and the login page does not say so', async () => {
  await using gateway = await openGateway({})
  expect((await post(`${gateway.url}/auth/register`, zoe)).status).toBe(404)
  expect(await (await fetch(`${gateway.url}/auth/login`)).text()).not.toContain('/auth/register')
})
