import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { GatewayConfig } from './config/config.ts'
import { createListener } from './listener.ts'
import type { Metrics, TargetReading } from './metrics/metrics.ts'
import type { Lasting } from './open-lasting.ts'
import { openParts } from './open-parts.ts'
import type { DrainedTargets } from './proxying/balancing/drained-targets.ts'
import { openUpstreams, type UpstreamEvents, type Upstreams } from './proxying/balancing/open-upstreams.ts'
import type { Upstream } from './proxying/upstream.ts'
import { serveCallers } from './serve-callers.ts'
import { serveChecks, serveOperators } from './serve-operators.ts'

/** What stands behind the doors, built anew for each configuration. */
export interface Roads extends AsyncDisposable {
  readonly callers: FastifyInstance
  readonly operators: FastifyInstance
  /** Null: no check listener. */
  readonly checks: FastifyInstance | null
  /** From now on scrapes read the stores through these parts, and tell of these targets. */
  readonly showAtScrapes: () => void
  /** For roads that no door leads to any more: waits for what runs, `withinMs` at most, then closes all. */
  leave(withinMs: number): Promise<void>
}

export interface RoadsOptions {
  readonly lasting: Lasting
  readonly drained: DrainedTargets
  readonly adminToken: string
  /** What `/metrics` answers. */
  readonly scrape: () => Promise<string>
  readonly draining: { readonly isDraining: boolean }
  readonly log: Logger
}

/** @throws Error that names what could not be opened and the cure */
export async function openRoads(config: GatewayConfig, options: RoadsOptions): Promise<Roads> {
  const { lasting, draining, log } = options
  await using opening = new AsyncDisposableStack()
  const parts = await openParts(config, lasting, log, opening)
  const upstreams = opening.use(
    openUpstreams(config.upstreams.map(upstreamOf), options.drained, upstreamEvents(parts.metrics, log)),
  )
  let running = 0
  const ended = (): void => void running--
  function began(response: ServerResponse): void {
    running++
    response.on('close', ended)
  }

  async function open(serve: (app: FastifyInstance) => void, maxBodyBytes: number): Promise<FastifyInstance> {
    const { requestTimeoutMs } = config.limits
    const app = createListener({ log, draining, requestTimeoutMs, maxBodyBytes, began })
    serve(app)
    opening.defer(() => app.close())
    await app.ready()
    return app
  }
  const { maxBodyBytes } = config.limits
  const { check } = config
  const checks = check && (await open((app) => serveChecks(app, check, parts), 10_000))
  const operators = await open(
    (app) => serveOperators(app, config, parts, { ...options, upstreams }),
    maxBodyBytes,
  )
  const callers = await open(
    (app) => serveCallers(app, config, parts, { upstreams, draining, log, shakingHands: began }),
    maxBodyBytes,
  )

  const opened = opening.move()
  return {
    ...{ callers, operators, checks },
    showAtScrapes() {
      parts.showAtScrapes()
      parts.metrics.readTargets(() => readingsOf(upstreams))
    },
    async leave(withinMs) {
      const untilMs = performance.now() + withinMs
      while (running > 0 && performance.now() < untilMs) await sleep(50)
      await opened.disposeAsync()
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

function upstreamOf({ ca, ...upstream }: GatewayConfig['upstreams'][number]): Upstream {
  return ca === null ? upstream : { ...upstream, ca: readFileSync(ca, 'utf8') }
}

const readingsOf = ({ all }: Upstreams): TargetReading[] =>
  all.flatMap(({ name, targets }) =>
    targets.map(({ url, takesCalls }) => ({ upstream: name, target: url, takesCalls })),
  )

/** Figures of every call, and a line for each change. */
function upstreamEvents(metrics: Metrics, log: Logger): UpstreamEvents {
  return {
    asked: (upstream, durationMs) => metrics.upstreamAnswered(upstream, durationMs / 1000),
    answering: metrics.upstreamIs,
    changed: (upstream, target, state) =>
      log.warn({ upstream, target, state }, `a target of an upstream is ${state}`),
  }
}
