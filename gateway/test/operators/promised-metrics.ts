/** What operators build on: every metric they are promised, with its labels. A histogram gives three series. */
const counters = {
  guichet_http_requests_total: ['route', 'method', 'code'],
  guichet_decisions_total: ['policy', 'decision', 'tier'],
  guichet_store_errors_total: ['store'],
  guichet_service_calls_total: ['service'],
  guichet_logins_total: ['result'],
  process_cpu_seconds_total: [],
}

const histograms = {
  guichet_http_request_duration_seconds: ['route'],
  guichet_upstream_duration_seconds: ['upstream'],
  guichet_overhead_duration_seconds: ['route'],
  guichet_store_call_duration_seconds: ['store'],
}

const gauges = {
  guichet_store_up: ['store'],
  guichet_sessions: [],
  guichet_recent_login_timestamp_seconds: ['account'],
  guichet_top_logins: ['account'],
  guichet_least_active_calls: ['account'],
  guichet_upstream_up: ['upstream', 'target'],
  guichet_config_reload_success: [],
  guichet_hits_pending: [],
  guichet_build_info: ['version', 'node'],
  nodejs_eventloop_lag_p99_seconds: [],
  process_resident_memory_bytes: [],
}

export const promisedMetrics: Readonly<Record<string, readonly string[]>> = {
  ...counters,
  ...histograms,
  ...gauges,
}

/** Series that Prometheus itself makes. */
const ownSeries: Record<string, readonly string[]> = { up: [], ALERTS: ['alertname', 'alertstate'] }

/** The labels of every series that an expression may name. Prometheus adds `job` and `instance` to each. */
export const promisedSeries: ReadonlyMap<string, readonly string[]> = new Map(
  [
    ...Object.entries({ ...counters, ...gauges, ...ownSeries }),
    ...Object.entries(histograms).flatMap(([name, labels]): [string, readonly string[]][] => [
      [`${name}_bucket`, [...labels, 'le']],
      [`${name}_sum`, labels],
      [`${name}_count`, labels],
    ]),
  ].map(([name, labels]) => [name, [...labels, 'job', 'instance']]),
)
