import { rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { metricsOf } from '../calls.ts'
import { type EchoApp, startEchoApp } from '../echo-app.ts'
import { type GatewayProcess, startGatewayProcess } from '../gateway-process.ts'
import { startRedis } from '../servers/redis.ts'
import { addAccount, logIn, temporaryDirectory, testConfig } from '../test-gateway.ts'
import { startLoad } from './load.ts'

// Each test starts several processes, on a machine that others use too.
vi.setConfig({ testTimeout: 90_000 })
const patience = { timeout: 30_000 }

const opened = new AsyncDisposableStack()
const held: ServerResponse[] = []
let app: EchoApp
let other: EchoApp
let gateway: GatewayProcess
let places: { upstream: string; directory: string; sessions: string; hits: string }
const base = { workers: 2, log: { level: 'info' }, limits: { drainTimeout: '60s' } }

beforeAll(async () => {
  app = opened.use(
    await startEchoApp((request, response) => {
      if (request.url === '/held') held.push(response)
      else response.end('one')
    }),
  )
  other = opened.use(await startEchoApp((_request, response) => response.end('another')))
  const { path: directory } = opened.use(await temporaryDirectory())
  const [sessions, hits] = ['/45', '/46'].map((path) => new URL(path, inject('redisUrl')).href)
  places = { upstream: app.url, directory, sessions: sessions as string, hits: hits as string }
  gateway = opened.use(await startGatewayProcess({ ...places, config: { ...base, ...patient(app.url) } }))
  await addAccount(gateway)
})
afterAll(() => opened.disposeAsync())

const log = () => gateway.log()
const ask = async (path: string, headers = {}) => (await fetch(gateway.url + path, { headers })).text()

const read = async (name: string) =>
  [...(await metricsOf(gateway)).matchAll(new RegExp(`^${name}(?:{[^}]*})? (.+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  )

/** Those that serve now, by their lines in the log. */
async function workersThatServe(): Promise<number[]> {
  const pids = log().flatMap(({ msg, worker }) => (msg === 'listening' ? [Number(worker)] : []))
  return pids.filter((pid) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  })
}

async function writeAndReload(text: string): Promise<string[]> {
  const before = log().length
  const said = () =>
    log()
      .slice(before)
      .map(({ msg }) => String(msg))
  await writeFile(join(places.directory, 'gateway.yaml'), text)
  process.kill(gateway.process.pid, 'SIGHUP')
  const verdict = /read again|last good one/
  await expect.poll(() => said().some((line) => verdict.test(line)), patience).toBe(true)
  return said().filter((line) => verdict.test(line) || line.includes('.yaml:'))
}

const patient = (url: string) => ({ upstreams: { app: { url, responseTimeout: '30s' } } })

const reload = (upstream: string, config = {}) =>
  writeAndReload(
    JSON.stringify(testConfig({ ...places, upstream, config: { ...base, ...patient(upstream), ...config } })),
  )

test('of twenty calls at once over two workers exactly the quota passes, and /metrics tells of both', async () => {
  const { authorization } = await logIn(gateway)
  const before = await read('guichet_http_requests_total')
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async () => {
      // A connection each, so that they meet different workers.
      const headers = { ...authorization, connection: 'close' }
      return (await fetch(`${gateway.url}/api/vente`, { headers })).status
    }),
  )
  expect(statuses.filter((status) => status === 200)).toHaveLength(10)
  const handledBy = new Set(log().flatMap(({ path, worker }) => (path === '/api/vente' ? [worker] : [])))
  expect(handledBy.size).toBe(2)
  await expect.poll(async () => (await read('guichet_http_requests_total')) - before).toBe(20)
  expect(await read('guichet_build_info')).toBe(1)
  expect(await read('guichet_config_reload_success')).toBe(1)
  expect(await read('guichet_store_up')).toBe(3)
  expect((await workersThatServe()).length).toBe(2)
})

test('SIGHUP under load: new workers take over one after another, no call fails, what runs finishes', async () => {
  const [running, before] = [ask('/held'), await workersThatServe()]
  await expect.poll(() => held.length, patience).toBe(1)
  const load = startLoad(`${gateway.url}/public`)
  for (const upstream of [app.url, other.url]) {
    await sleep(300)
    await reload(upstream)
    expect(await ask('/public')).toBe(upstream === app.url ? 'one' : 'another')
  }
  await load[Symbol.asyncDispose]()
  expect(load.failures).toEqual([])
  expect([...load.answers.keys()]).toEqual([200])
  expect(load.answers.get(200)).toBeGreaterThan(200)
  held.pop()?.end('in its own time')
  expect(await running).toBe('in its own time')
  await expect.poll(async () => (await workersThatServe()).length, patience).toBe(2)
  expect((await workersThatServe()).some((pid) => before.includes(pid))).toBe(false)
})

test('what workers counted is not forgotten with them', async () => {
  expect(await read('guichet_http_requests_total')).toBeGreaterThan(200)
})

test('a bad file, or one whose workers cannot start, leaves the old ones serving, and the gauge tells', async () => {
  await expect.poll(async () => (await workersThatServe()).length, patience).toBe(2)
  const before = await workersThatServe()
  const said = await writeAndReload('listen: { prot: 1 }')
  expect(said).toContainEqual(
    expect.stringMatching(/gateway\.yaml:1:11: listen: unknown key "prot" – did you/),
  )
  expect(said.at(-1)).toMatch(/was not taken, the last good one stays/)
  await expect.poll(() => read('guichet_config_reload_success'), patience).toBe(0)
  const taken = { listen: { host: '127.0.0.1', port: Number(new URL(app.url).port) } }
  expect((await reload(app.url, taken)).at(-1)).toMatch(/last good one stays: cannot listen on 127\.0\.0\.1/)
  expect(await workersThatServe()).toEqual(before)
  expect([await ask('/public'), await read('guichet_config_reload_success')]).toEqual(['another', 0])
  await reload(app.url)
  expect([await ask('/public'), await read('guichet_config_reload_success')]).toEqual(['one', 1])
})

test('a worker killed under load takes its running calls with it and no others, and is replaced', async () => {
  await expect.poll(async () => (await workersThatServe()).length, patience).toBe(2)
  const [victim, survivor] = (await workersThatServe()) as [number, number]
  const load = startLoad(`${gateway.url}/public`)
  await sleep(200)
  process.kill(victim, 'SIGKILL')
  await expect
    .poll(async () => (await workersThatServe()).filter((pid) => pid !== victim).length, patience)
    .toBe(2)
  await sleep(200)
  const failed = load.failures.length
  await sleep(300)
  await load[Symbol.asyncDispose]()
  // At most what ran on its connections.
  expect(failed).toBeLessThanOrEqual(10)
  expect(load.failures.length).toBe(failed)
  expect(await workersThatServe()).toContain(survivor)
  expect(log().some(({ worker, how }) => worker === victim && how === 'SIGKILL')).toBe(true)
  expect(await read('guichet_worker_restarts_total')).toBe(1)
})

test('while Redis is away, the workers together give out one quota', async () => {
  await using opening = new AsyncDisposableStack()
  const { path: directory } = opening.use(await temporaryDirectory())
  const redis = opening.use(await startRedis())
  const alone = opening.use(
    await startGatewayProcess({ ...places, directory, sessions: redis.url(0), config: base }),
  )
  await addAccount(alone)
  const { authorization } = await logIn(alone)
  await redis.kill()
  const headers = { ...authorization, connection: 'close' }
  const statuses: number[] = []
  for (let call = 0; call < 24; call++)
    statuses.push((await fetch(`${alone.url}/api/vente`, { headers })).status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(10)
  expect(statuses.filter((status) => status === 429)).toHaveLength(14)
})

test('workers that cannot start: one line with the cure and exit 1, at the first start and when none is left', async () => {
  await using opening = new AsyncDisposableStack()
  const { path: directory } = opening.use(await temporaryDirectory())
  const port = Number(new URL(gateway.url).port)
  const options = { ...places, directory }
  const taken = startGatewayProcess({
    ...options,
    config: { ...base, listen: { host: '127.0.0.1', port } },
  })
  await expect(taken).rejects.toThrow(/\nguichet: cannot listen on 127\.0\.0\.1:\d+: something listens there/)

  const dying = opening.use(await startGatewayProcess({ ...options, config: base }))
  const pids = dying.log().flatMap(({ msg, worker }) => (msg === 'listening' ? [Number(worker)] : []))
  await rm(join(directory, 'keys'), { recursive: true })
  await writeFile(join(directory, 'keys'), 'no folder')
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  expect(await dying.process.ended).toEqual({ kind: 'exit', code: 1 })
  expect(dying.process.stderr).toMatch(/^guichet: no worker starts any more: .*keys.*\n$/)
})

test('SIGTERM: what runs is finished, and all exit 0 within the deadline', async () => {
  const running = ask('/held')
  await expect.poll(() => held.length, patience).toBe(1)
  const workers = await workersThatServe()
  const startedAtMs = performance.now()
  const ended = gateway.process.stop('SIGTERM')
  await sleep(200)
  held.pop()?.end('in its own time')
  expect(await running).toBe('in its own time')
  expect(await ended).toEqual({ kind: 'exit', code: 0 })
  expect(performance.now() - startedAtMs).toBeLessThan(5_000)
  expect(workers.length).toBe(2)
  expect(await workersThatServe()).toEqual([])
  expect(gateway.process.stderr).toBe('')
})
