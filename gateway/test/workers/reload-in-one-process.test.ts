import { writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { metricsOf } from '../calls.ts'
import { type EchoApp, startEchoApp } from '../echo-app.ts'
import { type GatewayProcess, startGatewayProcess } from '../gateway-process.ts'
import { addAccount, logIn, temporaryDirectory, testConfig } from '../test-gateway.ts'
import { startLoad } from './load.ts'

const opened = new AsyncDisposableStack()
const held: ServerResponse[] = []
let app: EchoApp
let other: EchoApp
let directory: string
let gateway: GatewayProcess
let file: string
const log = { log: { level: 'info' } }

beforeAll(async () => {
  app = opened.use(
    await startEchoApp((request, response) => {
      if (request.url === '/held') held.push(response)
      else response.end('one')
    }),
  )
  other = opened.use(await startEchoApp((_request, response) => response.end('another')))
  directory = opened.use(await temporaryDirectory()).path
  gateway = opened.use(await startGatewayProcess({ upstream: app.url, directory, config: log }))
  file = join(directory, 'gateway.yaml')
  await addAccount(gateway)
})
afterAll(() => opened.disposeAsync())
beforeEach(() => rewrite({ upstream: app.url }))

const lines = (): string[] => gateway.log().map(({ msg }) => String(msg))

/** Writes the file and has it read. */
async function rewrite({ upstream = app.url, config = {} }: { upstream?: string; config?: object }) {
  await writeText(JSON.stringify(testConfig({ upstream, directory, config: { ...log, ...config } })))
}

async function writeText(text: string): Promise<string[]> {
  const before = lines().length
  const isAnswered = () =>
    lines()
      .slice(before)
      .some((line) => /read again|last good one/.test(line))
  await writeFile(file, text)
  process.kill(gateway.process.pid, 'SIGHUP')
  await expect.poll(isAnswered, { timeout: 20_000 }).toBe(true)
  return lines().slice(before)
}

const ask = async (path: string, headers = {}) => (await fetch(gateway.url + path, { headers })).text()
const gauge = async () => /^guichet_config_reload_success (\d)/m.exec(await metricsOf(gateway))?.[1]

test('SIGHUP under load fails no call, however often, and the next call meets the new routes', async () => {
  const load = startLoad(`${gateway.url}/public`)
  for (const upstream of [other.url, app.url, other.url]) {
    await sleep(200)
    await rewrite({ upstream })
    expect(await ask('/public')).toBe(upstream === app.url ? 'one' : 'another')
  }
  await load[Symbol.asyncDispose]()
  expect(load.failures).toEqual([])
  expect([...load.answers.keys()]).toEqual([200])
  expect(load.answers.get(200)).toBeGreaterThan(100)
})

test('a call that runs finishes with the app it was sent to, and its session and count outlive the reload', async () => {
  const { authorization } = await logIn(gateway)
  for (let call = 0; call < 3; call++) await ask('/api/vente', authorization)
  const running = ask('/held')
  await expect.poll(() => held.length).toBe(1)
  await rewrite({ upstream: other.url })
  expect(await ask('/public')).toBe('another')
  held.pop()?.end('in its own time')
  expect(await running).toBe('in its own time')
  const answer = await fetch(`${gateway.url}/api/vente`, { headers: authorization })
  expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, expect.stringContaining('r=6;')])
})

test('a target that is no longer in the file is in no figure either', async () => {
  const targets = async () =>
    [...(await metricsOf(gateway)).matchAll(/^guichet_upstream_\w+\{.*target="(.*?)"\}/gm)].map(
      ([, url]) => url,
    )
  await ask('/public')
  // One of what it answers, one of whether it takes calls.
  await expect.poll(targets).toEqual([app.url, app.url])
  await rewrite({ upstream: other.url })
  await ask('/public')
  await expect.poll(targets).toEqual([other.url, other.url])
})

test('a policy that allows more, or another window, takes effect at once for who was denied', async () => {
  const policies = (calls: object) => ({
    policies: { calls: { by: 'user', ...calls }, logins: { quota: 1000, per: '10m', by: 'account' } },
  })
  await rewrite({ config: policies({ quota: 1, per: '10m' }) })
  const { authorization } = await logIn(gateway)
  const status = async () => (await fetch(`${gateway.url}/api/achat`, { headers: authorization })).status
  await expect.poll(status).toBe(429)
  await rewrite({ config: policies({ quota: 1, per: '1s' }) })
  await sleep(1_000)
  expect(await status()).toBe(200)
  expect(await status()).toBe(429)
  await rewrite({ config: policies({ quota: 100, per: '10m' }) })
  expect(await status()).toBe(200)
})

test('a bad file leaves everything as it was, says where and how to cure it, and the gauge tells', async () => {
  const said = await writeText('listen: { prot: 1 }')
  expect(said).toContainEqual(
    expect.stringMatching(/gateway\.yaml:1:11: listen: unknown key "prot" – did you mean "port"\?$/),
  )
  expect(said.at(-1)).toMatch(/was not taken, the last good one stays/)
  expect([await ask('/public'), await gauge()]).toEqual(['one', '0'])
  await rewrite({ upstream: other.url })
  expect([await ask('/public'), await gauge()]).toEqual(['another', '1'])
})

test('what the process was opened with is refused with the way out', async () => {
  const config = testConfig({ upstream: app.url, directory, config: log })
  const moved = await writeText(JSON.stringify({ ...config, admin: { host: '127.0.0.1', port: 9 } }))
  expect(moved.at(-1)).toMatch(
    /admin\.host and admin\.port cannot change while the gateway runs: stop it and/,
  )
  expect(await gauge()).toBe('0')
})

test('after many reloads it still stops at once, and exits 0', async () => {
  for (let time = 0; time < 5; time++) await rewrite({})
  const startedAtMs = performance.now()
  expect(await gateway.process.stop('SIGTERM')).toEqual({ kind: 'exit', code: 0 })
  expect(performance.now() - startedAtMs).toBeLessThan(3_000)
  expect(gateway.process.stderr).toBe('')
})
