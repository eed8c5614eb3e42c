import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { answering } from '../caching/cached-app.ts'
import { startEchoApp } from '../echo-app.ts'
import { connectHttp2, type Http2Client } from '../listeners/http2-client.ts'
import { openSecureGateway } from '../listeners/secure-gateway.ts'
import { type StartedProcess, startProcess } from '../servers/child-process.ts'
import { expressions, readDashboard, shownPanels } from './dashboard.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'
import { promisedSeries } from './promised-metrics.ts'
import { checkMetrics } from './promtool.ts'
import { root } from './repository.ts'
import '../servers/no-leaks.ts'

interface Listening {
  readonly gateway: string
  readonly admin: string
  readonly adminToken: string
  readonly accounts: readonly { readonly email: string; readonly password: string }[]
}

const samplesWithinMs = 60_000
const opened = new AsyncDisposableStack()
let gateway: StartedProcess
let prometheus: Prometheus
let secured: Http2Client
let at: Listening

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-scrape-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const env = {
    PORT: '0',
    ADMIN_PORT: '0',
    BACKEND_PORT: '0',
    DATA_DIR: folder,
    GUICHET_ADMIN_TOKEN: undefined,
  }
  gateway = opened.use(await startProcess('gateway/main.ts', ['demo'], { cwd: root, env }))
  at = (await gateway.firstJsonLine()) as unknown as Listening
  // What the demo does not have: a server that could evict keys, a certificate, and answers that are kept.
  const app = opened.use(await startEchoApp(answering({ 'cache-control': 'max-age=60' })))
  const second = opened.use(
    await openSecureGateway({
      upstream: app.url,
      sessions: new URL('/47', inject('redisUrl')).href,
      config: {
        admin: { host: '127.0.0.1', port: 0, token: at.adminToken },
        routes: [{ path: '/', upstream: 'app', access: 'public', cache: true }],
      },
    }),
  )
  secured = opened.use(await connectHttp2(second))
  const targets = [at.admin, second.adminUrl].map((url) => new URL(url).host)
  prometheus = opened.use(await startPrometheus(targets, at.adminToken))
}, 90_000)
afterAll(() => opened.disposeAsync())

/** A little of all that a gateway meets: visitors, a login and a refused one, calls until the quota is used up. */
async function visit(): Promise<void> {
  const send = async (path: string, init?: RequestInit): Promise<string> =>
    (await fetch(at.gateway + path, { redirect: 'manual', ...init })).text()
  const logIn = (email: string, password: string) =>
    send('/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ email, password }),
    })
  const [account] = at.accounts
  await Promise.all([send('/'), send('/api/vente'), logIn('nobody@example.org', 'not the password')])
  const { accessToken } = JSON.parse(await logIn(account?.email ?? '', account?.password ?? ''))
  const headers = { authorization: `Bearer ${accessToken}` }
  for (const service of ['/api/vente', '/api/achat']) {
    await Promise.all(Array.from({ length: 8 }, () => send(service, { headers })))
  }
}

test(
  'Prometheus gets a sample for every panel of the dashboard from a gateway under load',
  async () => {
    await visit()
    let empty = shownPanels(readDashboard()).flatMap((panel) =>
      expressions(panel).map((expr) => ({ panel: panel.title, expr })),
    )
    expect(empty.length).toBeGreaterThan(20)
    const deadline = performance.now() + samplesWithinMs
    while (empty.length > 0 && performance.now() < deadline) {
      const answers = await Promise.all(empty.map(({ expr }) => prometheus.query(expr)))
      empty = empty.filter((_, index) => answers[index]?.length === 0)
      await sleep(500)
      await fetch(`${at.gateway}/`).then((response) => response.text())
      await secured.ask({ ':path': '/' })
    }
    expect(empty).toEqual([])
  },
  samplesWithinMs + 30_000,
)

test('the gateway exposes what it promises to operators, under these labels', async () => {
  const wrong: string[] = []
  for (const [name, labels] of promisedSeries) {
    if (name === 'ALERTS') continue
    const [sample] = await prometheus.query(name)
    const { __name__, ...found } = sample?.metric ?? {}
    if (Object.keys(found).toSorted().join() !== labels.toSorted().join()) {
      wrong.push(`${name}{${labels}} is ${sample ? `{${Object.keys(found)}}` : 'missing'}`)
    }
  }
  expect(wrong).toEqual([])
})

test('Prometheus is content with the gateways: both up, no alert but that of a certificate for two days', async () => {
  expect(await prometheus.query('up{job="guichet"} == 1')).toHaveLength(2)
  const firing = await prometheus.query('ALERTS{alertstate="firing"}')
  expect(firing.map(({ metric }) => metric.alertname)).toEqual(['GuichetCertificateExpires'])
})

test('the metrics follow the rules of Prometheus for names, types and help', async () => {
  const metrics = await fetch(`${at.admin}/metrics`, {
    headers: { authorization: `Bearer ${at.adminToken}` },
  })
  expect(await checkMetrics(await metrics.text())).toBe('')
})
