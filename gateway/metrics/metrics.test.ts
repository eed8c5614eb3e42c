import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Registry } from 'prom-client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createInstruments } from './instruments.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import type { StoreReadings } from './store-readings.ts'

function openMetrics(): Metrics {
  const metrics = createMetrics({ version: '1.2.3', stores: ['redis', 'mysql'] })
  metrics.expect({ services: ['vente', 'achat'], policies: ['calls'] })
  onTestFinished(() => metrics.close())
  return metrics
}

const readings: StoreReadings = {
  hitsPending: () => 7,
  sessions: async () => 12,
  recentLogins: async () => [{ email: 'ada@example.org', atMs: 1_700_000_000_500 }],
  topLogins: async () => [{ email: 'ada@example.org', logins: 4 }],
  leastActive: async () => [{ email: '"quoted\\"@example.org', calls: 0 }],
  evictedKeys: { redis: async () => 5, mysql: null },
}

function useEverything(metrics: Metrics): void {
  metrics.readStores(readings)
  metrics.requestFinished({
    ...{ route: 'vente', method: 'GET', status: 200, durationSeconds: 0.02, overheadSeconds: 0.0004 },
  })
  metrics.upstreamAnswered('etuservices', 0.019)
  metrics.upstreamIs('etuservices', 'http://127.0.0.1:3000', true)
  metrics.readTargets(() => [
    { upstream: 'etuservices', target: 'http://127.0.0.1:3000', takesCalls: true },
    { upstream: 'etuservices', target: 'http://127.0.0.1:3001', takesCalls: false },
  ])
  const request = { policy: { name: 'calls' }, isShadow: false }
  const verdict = (hasRoom: boolean, remaining: number) => ({ request, quota: 10, hasRoom, remaining })
  metrics.decided(verdict(true, 3), 'store')
  metrics.decided(verdict(true, 2), 'store')
  metrics.decided(verdict(false, 0), 'degraded')
  metrics.decided({ ...verdict(false, 0), request: { ...request, isShadow: true } }, 'memory')
  metrics.storeCall('redis', 0.0003)
  metrics.storeFailed('mysql')
  metrics.storeIs('mysql', false)
  metrics.hitForwarded('vente')
  metrics.loggedIn('accepted')
  metrics.configReloaded(false)
  metrics.shed('event-loop')
  metrics.connectionDropped()
  metrics.certificateExpires(1_800_000_000_000)
}

test('what happened is what a scrape says', async () => {
  const metrics = openMetrics()
  useEverything(metrics)
  const lines = (await metrics.scrape()).split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      'guichet_http_requests_total{route="vente",method="GET",code="200"} 1',
      'guichet_http_request_duration_seconds_bucket{le="0.025",route="vente"} 1',
      'guichet_upstream_duration_seconds_count{upstream="etuservices"} 1',
      'guichet_overhead_duration_seconds_bucket{le="0.0005",route="vente"} 1',
      'guichet_decisions_total{policy="calls",decision="allowed",tier="store"} 1',
      'guichet_decisions_total{policy="calls",decision="near",tier="store"} 1',
      'guichet_decisions_total{policy="calls",decision="denied",tier="store"} 0',
      'guichet_decisions_total{policy="calls",decision="denied",tier="degraded"} 1',
      'guichet_decisions_total{policy="calls",decision="shadow_denied",tier="memory"} 1',
      'guichet_store_up{store="redis"} 1',
      'guichet_store_up{store="mysql"} 0',
      'guichet_store_errors_total{store="redis"} 0',
      'guichet_store_errors_total{store="mysql"} 1',
      'guichet_store_call_duration_seconds_count{store="redis"} 1',
      'guichet_service_calls_total{service="vente"} 1',
      'guichet_service_calls_total{service="achat"} 0',
      'guichet_logins_total{result="accepted"} 1',
      'guichet_sessions 12',
      'guichet_hits_pending 7',
      'guichet_store_evicted_keys{store="redis"} 5',
      'guichet_recent_login_timestamp_seconds{account="ada@example.org"} 1700000000.5',
      'guichet_top_logins{account="ada@example.org"} 4',
      'guichet_least_active_calls{account="\\"quoted\\\\\\"@example.org"} 0',
      'guichet_upstream_up{upstream="etuservices",target="http://127.0.0.1:3000"} 1',
      'guichet_upstream_taking_calls{upstream="etuservices",target="http://127.0.0.1:3000"} 1',
      'guichet_upstream_taking_calls{upstream="etuservices",target="http://127.0.0.1:3001"} 0',
      'guichet_worker_restarts_total 0',
      'guichet_config_reload_success 0',
      'guichet_shed_requests_total{reason="in-flight"} 0',
      'guichet_shed_requests_total{reason="event-loop"} 1',
      'guichet_dropped_connections_total 1',
      'guichet_certificate_expiry_timestamp_seconds 1800000000',
      `guichet_build_info{version="1.2.3",node="${process.version}"} 1`,
    ]),
  )
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_heap_used_bytes',
  ]) {
    expect(Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1])).toBeGreaterThan(0)
  }
  expect(lines.some((line) => line.startsWith('nodejs_eventloop_lag_p99_seconds '))).toBe(true)
})

test('of targets that are read no more nothing is told', async () => {
  const metrics = openMetrics()
  const told = async () => (await metrics.scrape()).match(/^guichet_upstream_taking_calls.*$/gm)
  expect(await told()).toBe(null)
  const target = { upstream: 'app', target: 'http://one:3000', takesCalls: false }
  metrics.readTargets(() => [target])
  await metrics.scrape()
  metrics.readTargets(() => [{ ...target, target: 'http://two:3000' }])
  expect(await told()).toEqual(['guichet_upstream_taking_calls{upstream="app",target="http://two:3000"} 0'])
})

test('promtool finds nothing to say about a scrape', async () => {
  const metrics = openMetrics()
  useEverything(metrics)
  const promtool = spawnSync('promtool', ['check', 'metrics'], {
    input: await metrics.scrape(),
    encoding: 'utf8',
  })
  expect(promtool.error, 'apt-get install prometheus').toBeUndefined()
  expect(promtool.stderr + promtool.stdout).toBe('')
  expect(promtool.status).toBe(0)
})

test('README.md has the name, type, labels and help of every instrument', () => {
  const registry = new Registry()
  createInstruments(registry)
  const inCode = registry.getMetricsAsArray().map((instrument) => {
    const { name, help, labelNames, type } = instrument as unknown as Record<string, string> & {
      labelNames: string[]
    }
    return { name, type, labels: labelNames, help }
  })
  const inReadme = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, name, type, labels, help] = line.split('|').map((cell) => cell.trim())
      return { name: name?.slice(1, -1), type, labels: labels?.match(/\w+/g) ?? [], help }
    })
  expect(inReadme).toEqual(inCode)
})

test('10,000 random paths, users and methods leave the number of series as it was', async () => {
  const metrics = openMetrics()
  const countSeries = async () => (await metrics.scrape()).split('\n').filter((l) => /^[a-z]/.test(l)).length
  const request = { durationSeconds: 0.01, overheadSeconds: 0.001 }
  metrics.readStores({
    ...readings,
    freshForMs: 0,
    leastActive: async (limit) =>
      Array.from({ length: limit }, () => ({ email: `${Math.random()}@example.org`, calls: 0 })),
  })
  metrics.requestFinished({ route: null, method: 'BREW', status: 404, ...request })
  const before = await countSeries()
  for (let i = 0; i < 10_000; i++) {
    metrics.requestFinished({ route: null, method: `M${i}`, status: 404, ...request })
    if (i % 1_000 === 0) await metrics.scrape()
  }
  expect(await countSeries()).toBe(before)
})

describe('when stores are away', () => {
  const storeSeries =
    /^guichet_(sessions|recent_login_timestamp_seconds|top_logins|least_active_calls|store_evicted_keys)[ {]/m

  test('a scrape answers in time, and their series are absent, not zero', async () => {
    const metrics = openMetrics()
    const never = () => new Promise<never>(() => {})
    metrics.readStores({
      ...{ hitsPending: () => 3, deadlineMs: 50, sessions: never, recentLogins: never },
      ...{ topLogins: () => Promise.reject(new Error('refused')), leastActive: never },
      evictedKeys: { redis: never, mysql: () => Promise.reject(new Error('refused')) },
    })
    const startedAt = performance.now()
    const text = await metrics.scrape()
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(text).not.toMatch(storeSeries)
    expect(text).toContain('guichet_hits_pending 3')
  })

  test('before anyone told which stores to read, their series are absent too', async () => {
    expect(await openMetrics().scrape()).not.toMatch(
      /^guichet_(sessions|recent|top|least|hits|store_evicted)\w*[ {]/m,
    )
  })

  test('they come back with the store', async () => {
    const metrics = openMetrics()
    let isAway = false
    metrics.readStores({
      ...readings,
      freshForMs: 0,
      sessions: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(12)),
      evictedKeys: { redis: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(5)) },
    })
    expect(await metrics.scrape()).toContain('\nguichet_sessions 12\n')
    expect(await metrics.scrape()).toContain('\nguichet_store_evicted_keys{store="redis"} 5\n')
    isAway = true
    expect(await metrics.scrape()).not.toMatch(/^guichet_(sessions|store_evicted_keys)[ {]/m)
    isAway = false
    expect(await metrics.scrape()).toContain('\nguichet_sessions 12\n')
  })

  test('several scrapers cost one reading', async () => {
    const metrics = openMetrics()
    const sessions = vi.fn(async () => 12)
    metrics.readStores({ ...readings, sessions })
    await Promise.all([metrics.scrape(), metrics.scrape(), metrics.scrape()])
    await metrics.scrape()
    expect(sessions).toHaveBeenCalledTimes(1)
  })
})

test('recording one request costs microseconds', () => {
  const metrics = openMetrics()
  const request = {
    route: 'vente',
    method: 'GET',
    status: 200,
    durationSeconds: 0.02,
    overheadSeconds: 0.001,
  }
  const startedAt = performance.now()
  for (let i = 0; i < 50_000; i++) metrics.requestFinished(request)
  const microsecondsEach = ((performance.now() - startedAt) / 50_000) * 1_000
  // Under 1.5 on a quiet machine; children resolved anew each time would take several times as long.
  expect(microsecondsEach).toBeLessThan(20)
})
