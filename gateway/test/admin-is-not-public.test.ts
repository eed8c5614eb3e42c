import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EchoApp, startEchoApp } from './echo-app.ts'
import { sendRaw } from './raw-http.ts'
import { openTestGateway, type TestGateway } from './test-gateway.ts'

const opened = new AsyncDisposableStack()
let app: EchoApp
let gateway: TestGateway
beforeAll(async () => {
  app = opened.use(await startEchoApp())
  gateway = opened.use(await openTestGateway({ upstream: app.url }))
})
afterAll(() => opened.disposeAsync())

const health = ['/livez', '/readyz', '/metrics']
const guarded = ['/api/stats/services', '/api/config', '/api/nothing-here']

async function ask(path: string, headers: string[], method = 'GET'): Promise<number> {
  const lines = [`${method} ${path} HTTP/1.1`, ...headers, 'connection: close', '', '']
  return (await sendRaw(gateway.adminUrl, lines.join('\r\n'), 1_000)).status
}

const local = () => `host: ${new URL(gateway.adminUrl).host}`

describe.each(health)('%s', (path) => {
  test('is open to this machine', async () => {
    expect(await ask(path, [local()])).toBe(200)
  })

  test.each([
    ['a proxy on this machine', ['x-forwarded-for: 192.0.2.1']],
    ['a proxy that says so in another way', ['forwarded: for=192.0.2.1']],
  ])('needs the token through %s', async (_who, headers) => {
    expect(await ask(path, [local(), ...headers])).toBe(401)
    const token = `authorization: Bearer ${gateway.adminToken}`
    expect(await ask(path, [local(), ...headers, token])).toBe(200)
  })

  test('needs the token under a name that only points here', async () => {
    expect(await ask(path, ['host: rebound.example'])).toBe(401)
  })
})

test.each(guarded)('%s needs the token, and tells a stranger not even whether it exists', async (path) => {
  expect(await ask(path, [local()])).toBe(401)
  expect(await ask(path, [local(), 'authorization: Bearer wrong'])).toBe(401)
  expect(await ask(path, [local(), `authorization: Bearer ${gateway.adminToken}`])).not.toBe(401)
})

test.each([
  ['PUT', '/api/upstreams/app/targets/a/drain'],
  ['DELETE', '/api/upstreams/app/targets/a/drain'],
  ['DELETE', '/api/cache?path=/'],
])('%s %s changes nothing without the token', async (method, path) => {
  expect(await ask(path, [local()], method)).toBe(401)
  expect(await ask(path, [local(), 'authorization: Bearer wrong'], method)).toBe(401)
  expect(await ask(path, [local(), `authorization: Bearer ${gateway.adminToken}`], method)).not.toBe(401)
})

test('the public listener serves none of it', async () => {
  for (const path of [...health, ...guarded]) {
    const answer = await fetch(gateway.url + path)
    // The app's own answer: these paths are the app's on this side.
    expect(await answer.json()).toMatchObject({ url: path })
  }
})

test('no other address of this machine reaches the admin listener', async () => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address)
  // A machine without a network still has the rest of its loopback, where nothing of ours may listen either.
  for (const address of [...addresses, '127.0.0.2']) {
    const url = gateway.adminUrl.replace('127.0.0.1', address)
    await expect(fetch(`${url}/livez`), address).rejects.toThrow()
  }
})
