import { expect, onTestFinished, test } from 'vitest'
import { createMetrics } from './metrics.ts'
import { createPrimaryMetrics } from './primary-metrics.ts'
import { countsOf, reportsAsText } from './reports.ts'

function openWorker({ pending, newest }: { pending: number; newest: string }) {
  const metrics = createMetrics({ version: '1.2.3', stores: ['redis'] })
  onTestFinished(() => metrics.close())
  metrics.readStores({
    hitsPending: () => pending,
    sessions: async () => 12,
    recentLogins: async () => [{ email: newest, atMs: 1_000 }],
    topLogins: async () => [],
    leastActive: async () => [],
    evictedKeys: { redis: async () => 5 },
  })
  const finish = (count: number): void => {
    const request = { route: 'vente', method: 'GET', status: 200, overheadSeconds: 0.0004 }
    for (let i = 0; i < count; i++) metrics.requestFinished({ ...request, durationSeconds: 0.02 })
  }
  return { ...metrics, finish }
}

const workers = () => [
  openWorker({ pending: 2, newest: 'ada@etu.example' }),
  openWorker({ pending: 3, newest: 'alan@etu.example' }),
]

test('what each has counted is added up; what is the same everywhere is told once, as the first one says', async () => {
  const [one, other] = workers() as [ReturnType<typeof openWorker>, ReturnType<typeof openWorker>]
  one.finish(3)
  other.finish(4)
  other.storeIs('redis', false)
  other.configReloaded(false)
  const target = { upstream: 'app', target: 'http://app:3000' }
  one.readTargets(() => [{ ...target, takesCalls: true }])
  other.readTargets(() => [{ ...target, takesCalls: false }])
  one.certificateExpires(1_800_000_000_000)
  other.certificateExpires(1_700_000_000_000)
  const text = await reportsAsText([await one.report(), await other.report()])
  const lines = text.split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      'guichet_http_requests_total{route="vente",method="GET",code="200"} 7',
      'guichet_http_request_duration_seconds_bucket{le="0.025",route="vente"} 7',
      'guichet_http_request_duration_seconds_count{route="vente"} 7',
      'guichet_hits_pending 5',
      'guichet_sessions 12',
      'guichet_store_evicted_keys{store="redis"} 5',
      'guichet_store_up{store="redis"} 0',
      'guichet_upstream_taking_calls{upstream="app",target="http://app:3000"} 0',
      'guichet_config_reload_success 0',
      'guichet_certificate_expiry_timestamp_seconds 1700000000',
      `guichet_build_info{version="1.2.3",node="${process.version}"} 1`,
    ]),
  )
  expect(text).toContain('guichet_recent_login_timestamp_seconds{account="ada@etu.example"} 1')
  expect(text).not.toContain('alan@etu.example')
})

test('what the primary counts is added to what its workers tell', async () => {
  const [one] = workers() as [ReturnType<typeof openWorker>]
  const primary = createPrimaryMetrics()
  primary.workerRestarted()
  const text = await reportsAsText([await one.report(), await primary.report()])
  expect(text).toContain('guichet_worker_restarts_total 1\n')
})

test('a process that has ended leaves its counts behind, and none of its gauges', async () => {
  const [one, other] = workers() as [ReturnType<typeof openWorker>, ReturnType<typeof openWorker>]
  one.finish(3)
  other.finish(4)
  const left = await countsOf([await countsOf([]), await other.report()])
  const text = await reportsAsText([await one.report(), left])
  expect(text).toContain('guichet_http_requests_total{route="vente",method="GET",code="200"} 7\n')
  expect(text).toContain('guichet_hits_pending 2\n')
})
