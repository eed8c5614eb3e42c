import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { metricsOf, sumOf } from './calls.ts'
import { startEchoApp } from './echo-app.ts'
import { checkMetrics } from './operators/promtool.ts'
import {
  ada,
  addAccount,
  logIn,
  openTestGateway,
  type TestGateway,
  temporaryDirectory,
} from './test-gateway.ts'

const paths = 10_000
const opened = new AsyncDisposableStack()
let gateway: TestGateway

beforeAll(async () => {
  const { path: directory } = opened.use(await temporaryDirectory())
  const app = opened.use(await startEchoApp((_request, response) => response.end()))
  gateway = opened.use(await openTestGateway({ upstream: app.url, directory }))
})
afterAll(() => opened.disposeAsync())

/** Sends them down one connection without waiting, and resolves when the last was answered. */
async function pipeline(heads: readonly string[]): Promise<number> {
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  const last = 'GET /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
  socket.write(`${heads.join('')}${last}`)
  let answers = 0
  socket.setEncoding('latin1').on('data', (text: string) => {
    answers += text.split('HTTP/1.1 ').length - 1
  })
  await once(socket, 'close')
  return answers
}

/** Every name of a series with its labels, without the value. */
const seriesOf = (metrics: string): Set<string> =>
  new Set(
    metrics
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.slice(0, line.lastIndexOf(' '))),
  )

const methods = ['GET', 'HEAD', 'DELETE', 'OPTIONS']
const random = (): string => Math.random().toString(36).slice(2)

function heads(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const method = methods[index % methods.length] as string
    const prefix = ['', '/api/vente', '/auth', '/services'][index % 4] as string
    const claims = `x-forwarded-for: 10.${index % 256}.1.1\r\nauthorization: Bearer ${random()}\r\nuser-agent: ${random()}\r\n`
    return `${method} ${prefix}/${random()}/${index}?${random()} HTTP/1.1\r\nhost: ${random()}\r\n${claims}\r\n`
  })
}

async function visit(count: number): Promise<void> {
  const person = (index: number) => ({ ...ada, email: `${random()}-${index}@etu.example` })
  for (let index = 0; index < count; index++) {
    const someone = person(index)
    await addAccount(gateway, someone)
    const { authorization } = await logIn(gateway, someone)
    await (await fetch(`${gateway.url}/api/vente/${random()}`, { headers: authorization })).text()
  }
}

test('ten thousand paths and many people add no series, and promtool finds no fault', async () => {
  // One of each kind first: a series appears with its first event.
  await pipeline(heads(100))
  await visit(12)
  const before = seriesOf(await metricsOf(gateway))
  expect(before.size).toBeGreaterThan(50)

  let answers = 0
  for (let round = 0; round < 20; round++) {
    // Not all at once: they would wait for the app until it counts as too slow.
    const shares = await Promise.all(Array.from({ length: 5 }, () => pipeline(heads(paths / 100))))
    answers += shares.reduce((sum, share) => sum + share)
  }
  expect(answers).toBeGreaterThanOrEqual(paths)
  await visit(8)
  const metrics = await metricsOf(gateway)
  const after = seriesOf(metrics)
  // The three short lists name people, always so many.
  const named = (series: string) => /\{account="/.test(series)
  expect([...after].filter((series) => !named(series) && !before.has(series))).toEqual([])
  expect([...after].filter(named).length).toBe([...before].filter(named).length)
  expect(sumOf(metrics, 'guichet_http_requests_total')).toBeGreaterThan(paths)
  await checkMetrics(metrics)
})
