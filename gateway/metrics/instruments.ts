import { type Aggregator, Counter, Gauge, type Registry } from 'prom-client'
import { talliedCounter, talliedHistogram } from './tallied.ts'

/** From a fraction of the gateway's own work to a service that barely answers. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const overheadBuckets = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
]
const storeBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

/**
 * Everything the gateway measures; README.md holds the same table and a test compares them.
 * No label may grow with users: `account` appears in the bounded top lists only.
 */
export function createInstruments(registry: Registry) {
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers })
  /** @param together how several workers' values become one; `first`: it is the same in all of them */
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    together: Aggregator = 'sum',
  ) => new Gauge({ name, help, labelNames, registers, aggregator: together })
  const histogram = (name: string, help: string, labelNames: string[], buckets: readonly number[]) =>
    talliedHistogram(registry, { name, help, labelNames }, buckets)
  /** Counted with every request. */
  const tally = (name: string, help: string, labelNames: string[]) =>
    talliedCounter(registry, { name, help, labelNames })

  return {
    requests: tally('guichet_http_requests_total', 'Requests answered, by route, method and status code.', [
      ...['route', 'method', 'code'],
    ]),
    requestSeconds: histogram(
      'guichet_http_request_duration_seconds',
      'From the request headers to the end of the answer.',
      ['route'],
      requestBuckets,
    ),
    upstreamSeconds: histogram(
      'guichet_upstream_duration_seconds',
      'From asking an upstream to the beginning of its answer.',
      ['upstream'],
      requestBuckets,
    ),
    overheadSeconds: histogram(
      'guichet_overhead_duration_seconds',
      "The gateway's own share of a request: without the upstream's time.",
      ['route'],
      overheadBuckets,
    ),
    decisions: tally(
      'guichet_decisions_total',
      'Verdicts of a policy: allowed, near (at most a fifth of the quota left), denied or shadow_denied, by who decided.',
      ['policy', 'decision', 'tier'],
    ),
    storeUp: gauge('guichet_store_up', 'Whether a store answered when it was last asked.', ['store'], 'min'),
    storeSeconds: histogram(
      'guichet_store_call_duration_seconds',
      'Time a store took for a call on the way of a request.',
      ['store'],
      storeBuckets,
    ),
    storeErrors: counter(
      'guichet_store_errors_total',
      'Calls that a store failed or did not answer in time.',
      ['store'],
    ),
    evictedKeys: gauge(
      'guichet_store_evicted_keys',
      'Keys this store has evicted since it started; an evicted window is a fresh quota.',
      ['store'],
      'first',
    ),
    cacheRequests: tally(
      'guichet_cache_requests_total',
      'Requests on routes with a cache: hit, miss, stale, revalidated (the app confirmed what is stored) or bypass.',
      [...(['route', 'result'] as const)],
    ),
    serviceCalls: tally('guichet_service_calls_total', 'Calls this process forwarded to a service.', [
      'service',
    ]),
    logins: counter('guichet_logins_total', 'Attempts to log in, by result.', ['result']),
    sessions: gauge('guichet_sessions', 'Live sessions, on all gateways.', [], 'first'),
    recentLogin: gauge(
      'guichet_recent_login_timestamp_seconds',
      'When the last ten accounts to log in did so, in Unix time.',
      ['account'],
      'first',
    ),
    topLogins: gauge(
      'guichet_top_logins',
      'Logins of the three accounts with the most, over three days.',
      ['account'],
      'first',
    ),
    leastActive: gauge(
      'guichet_least_active_calls',
      'Calls of the ten accounts with the fewest.',
      ['account'],
      'first',
    ),
    upstreamUp: gauge(
      'guichet_upstream_up',
      'Whether a target of an upstream answered when last asked.',
      [...(['upstream', 'target'] as const)],
      'min',
    ),
    takingCalls: gauge(
      'guichet_upstream_taking_calls',
      'Whether a target of an upstream gets calls: not while it is ejected, unhealthy, draining or drained.',
      [...(['upstream', 'target'] as const)],
      'min',
    ),
    configReload: gauge(
      'guichet_config_reload_success',
      'Whether the last configuration read was accepted.',
      [],
      'min',
    ),
    websocketsOpen: gauge('guichet_websockets_open', 'WebSockets open through this process.', []),
    shedRequests: counter(
      'guichet_shed_requests_total',
      'Requests turned away at once, since too many were under way (in-flight) or the event loop ran too late (event-loop).',
      ['reason'],
    ),
    droppedConnections: counter(
      'guichet_dropped_connections_total',
      'Connections of callers closed as they came, since too many were open.',
      [],
    ),
    certificateExpiry: gauge(
      'guichet_certificate_expiry_timestamp_seconds',
      'When the certificate of the listener expires, in Unix time.',
      [],
      'min',
    ),
    hitsPending: gauge('guichet_hits_pending', 'Calls recorded here but not yet counted by the store.', []),
    workerRestarts: workerRestartsCounter(registry),
    buildInfo: gauge(
      'guichet_build_info',
      'Always 1; the labels tell what runs.',
      [...(['version', 'node'] as const)],
      'first',
    ),
    cpuSeconds: counter('process_cpu_seconds_total', 'CPU time of this process, user and system.', []),
    residentBytes: gauge('process_resident_memory_bytes', 'Memory this process holds in RAM.', []),
    startTime: gauge('process_start_time_seconds', 'When this process started, in Unix time.', [], 'min'),
    heapBytes: gauge('nodejs_heap_used_bytes', 'JavaScript heap in use.', []),
    eventLoopLag: gauge(
      'nodejs_eventloop_lag_p99_seconds',
      'The event loop ran this late or less in 99 of 100 samples since the last scrape.',
      [],
      'max',
    ),
  }
}

/** The one figure that the primary of several workers has as well: only it can count them. */
export const workerRestartsCounter = (registry: Registry) =>
  new Counter({
    name: 'guichet_worker_restarts_total',
    help: 'Workers that ended by themselves and were replaced.',
    registers: [registry],
  })

export type Instruments = ReturnType<typeof createInstruments>
