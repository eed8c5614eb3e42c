import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { GatewayConfig } from './config/config.ts'
import { listen } from './listen.ts'
import { createListener } from './listener.ts'
import type { Metrics } from './metrics/metrics.ts'
import { openParts } from './open-parts.ts'
import { openUpstreams, type UpstreamEvents } from './proxying/balancing/open-upstreams.ts'
import type { Upstream } from './proxying/upstream.ts'
import { serveCallers } from './serve-callers.ts'
import { serveChecks, serveOperators } from './serve-operators.ts'

export interface Gateway extends AsyncDisposable {
  /** Where clients reach it, such as `http://127.0.0.1:8080`. */
  readonly url: string
  readonly adminUrl: string
  readonly adminToken: string
  /** Of the check listener; null without one. */
  readonly checkUrl: string | null
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/**
 * Builds every part and opens the listeners; disposing drains them and closes all in reverse.
 *
 * @throws Error that names what could not be opened and the cure
 */
export async function openGateway(config: GatewayConfig, log: Logger): Promise<Gateway> {
  await using opening = new AsyncDisposableStack()
  const parts = await openParts(config, version, log, opening)
  const upstreams = opening.use(
    openUpstreams(config.upstreams.map(upstreamOf), upstreamEvents(parts.metrics, log)),
  )
  const adminToken = config.admin.token ?? randomBytes(24).toString('base64url')
  const draining = { isDraining: false }

  const open = (serve: (app: FastifyInstance) => void, limits = config.limits): FastifyInstance => {
    const app = createListener({ log, ...limits })
    serve(app)
    opening.defer(() => app.close())
    return app
  }
  const checks = config.check
  const check =
    checks && open((app) => serveChecks(app, checks, parts), { ...config.limits, maxBodyBytes: 10_000 })
  const admin = open((app) => serveOperators(app, config, parts, { adminToken, upstreams, draining, log }))
  const gateway = open((app) => serveCallers(app, config, parts, { upstreams, draining, log }))
  opening.defer(() => {
    draining.isDraining = true
  })

  const adminUrl = await listen(admin, config.admin)
  const checkUrl = checks && check && (await listen(check, checks))
  const url = await listen(gateway, config.listen)
  log.info({ url, adminUrl, ...(checkUrl && { checkUrl }) }, 'listening')
  const opened = opening.move()
  return { url, adminUrl, adminToken, checkUrl, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

function upstreamOf({ ca, ...upstream }: GatewayConfig['upstreams'][number]): Upstream {
  return ca === null ? upstream : { ...upstream, ca: readFileSync(ca, 'utf8') }
}

/** Figures of every call, and a line for each change. */
function upstreamEvents(metrics: Metrics, log: Logger): UpstreamEvents {
  return {
    asked: (upstream, durationMs) => metrics.upstreamAnswered(upstream, durationMs / 1000),
    answering: metrics.upstreamIs,
    changed: (upstream, target, state) =>
      log.warn({ upstream, target, state }, `a target of an upstream is ${state}`),
  }
}
