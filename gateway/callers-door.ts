import type { Logger } from 'pino'
import type { GatewayConfig } from './config/config.ts'
import { mostConnections } from './listening/most-connections.ts'
import type { ServerOptions, TlsOptions } from './listening/open-server.ts'
import type { Metrics } from './metrics/metrics.ts'

/** What the callers' door has beyond the others: a bound, and TLS. */
export function callersDoor(
  { listen, limits }: GatewayConfig,
  metrics: Metrics,
  log: Logger,
): Partial<ServerOptions> {
  return {
    maxConnections: limits.maxConnections ?? mostConnections(),
    connectionDropped: metrics.connectionDropped,
    tls: listen.tls && tlsOf(listen.tls, metrics, log),
  }
}

/** A renewal should have happened by then: it is due for the last third of 90 days. */
const renewalIsLateMs = 14 * 86_400_000

function tlsOf(
  { http2: isHttp2, ...files }: NonNullable<GatewayConfig['listen']['tls']>,
  metrics: Metrics,
  log: Logger,
): TlsOptions {
  return {
    files,
    isHttp2,
    serving({ expiresAtMs }) {
      metrics.certificateExpires(expiresAtMs)
      const said = { file: files.cert, expires: new Date(expiresAtMs).toISOString() }
      const leftMs = expiresAtMs - Date.now()
      if (leftMs < 0) log.error(said, 'the certificate has expired: clients refuse it; renew it')
      else if (leftMs < renewalIsLateMs) log.warn(said, 'the certificate expires soon: renew it')
      else log.info(said, 'serving with this certificate')
    },
    unusable: ({ of, message, cure }) =>
      log.error(
        { file: files[of], cure },
        `the new certificate cannot be used, the former one stays: ${message}`,
      ),
  }
}
