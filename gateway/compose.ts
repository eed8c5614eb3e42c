import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { randomAdminToken } from './admin/admin-token.ts'
import { callersDoor } from './callers-door.ts'
import type { GatewayConfig } from './config/config.ts'
import { type Address, type Door, openDoor } from './door.ts'
import type { ServerOptions } from './listening/open-server.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { Report } from './metrics/reports.ts'
import { openLasting } from './open-lasting.ts'
import { openRoads } from './open-roads.ts'
import { DrainedTargets } from './proxying/balancing/drained-targets.ts'

export interface Gateway extends AsyncDisposable {
  /** Where clients reach it, such as `http://127.0.0.1:8080`. */
  readonly url: string
  readonly adminUrl: string
  readonly adminToken: string
  /** Of the check listener; null without one. */
  readonly checkUrl: string | null
  /**
   * Requests that begin from now on meet this configuration; those under way finish with theirs.
   *
   * @throws Error that says what cannot change, or could not be opened; everything is then as it was
   */
  reload(config: GatewayConfig): Promise<void>
  /** What the metrics say of the last configuration that was read. */
  configReloaded(isAccepted: boolean): void
  /** Targets that operators have taken out, here or, as the others tell, elsewhere. */
  readonly drained: DrainedTargets
  /** What this process has counted, to be put together with others. */
  report(): Promise<Report>
  /** Lets nobody in any more, for a gateway that another one has replaced. Dispose it when this resolves. */
  retire(): Promise<void>
}

/** For a gateway that is one process of several. */
export interface GatewayShare {
  /** The one that all have, when the configuration has none. */
  readonly adminToken: string
  /** The figures of all, as `/metrics` answers them. */
  readonly scrape: () => Promise<string>
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** How long a client may go on sending on a connection that it has not been told to close. */
const lingerMs = 2_000

/**
 * Builds every part and opens the doors; disposing drains them and closes all in reverse.
 *
 * @throws Error that names what could not be opened and the cure
 */
export async function openGateway(
  config: GatewayConfig,
  log: Logger,
  share?: GatewayShare,
): Promise<Gateway> {
  await using opening = new AsyncDisposableStack()
  const lasting = await openLasting(config, version, log, opening)
  const adminToken = config.admin.token ?? share?.adminToken ?? randomAdminToken()
  const scrape = share?.scrape ?? lasting.metrics.scrape
  const draining = { isDraining: false }
  const drained = new DrainedTargets()
  const roadsOf = (one: GatewayConfig) =>
    openRoads(one, { lasting, log, drained, draining, scrape, adminToken: one.admin.token ?? adminToken })

  let current = { config, roads: await roadsOf(config) }
  opening.defer(() => current.roads[Symbol.asyncDispose]())
  const leaving = new Set<Promise<void>>()
  opening.defer(async () => void (await Promise.all(leaving)))
  current.roads.showAtScrapes()

  const open = async (
    address: Address,
    appOf: () => FastifyInstance,
    more: Partial<ServerOptions> = {},
  ): Promise<Door> => {
    const { headersTimeoutMs } = config.limits
    const door = await openDoor(address, appOf(), { headersTimeoutMs, ...more })
    opening.defer(async () => {
      await Promise.all([door.close(current.config.limits.drainTimeoutMs), appOf().close()])
    })
    return door
  }
  const operators = await open(config.admin, () => current.roads.operators)
  const callers = await open(
    config.listen,
    () => current.roads.callers,
    callersDoor(config, lasting.metrics, log),
  )
  const checks = config.check && (await open(config.check, () => current.roads.checks as FastifyInstance))
  opening.defer(() => {
    draining.isDraining = true
    lasting.websockets.end()
  })

  const places = { url: callers.url, adminUrl: operators.url, checkUrl: checks?.url ?? null }
  log.info(places, 'listening')
  const opened = opening.move()
  return {
    ...places,
    adminToken,
    async reload(next) {
      const fixed = whatCannotChange(current.config, next)
      if (fixed.length > 0)
        throw new Error(
          `${fixed.join(', ')} cannot change while the gateway runs: stop it and start it again`,
        )
      const { config: former, roads } = current
      current = { config: next, roads: await roadsOf(next) }
      callers.leadTo(current.roads.callers)
      operators.leadTo(current.roads.operators)
      if (current.roads.checks !== null) checks?.leadTo(current.roads.checks)
      current.roads.showAtScrapes()
      const left = roads.leave(former.limits.drainTimeoutMs).finally(() => {
        leaving.delete(left)
        forgetTargets(former, current.config, lasting.metrics)
      })
      leaving.add(left)
    },
    configReloaded: lasting.metrics.configReloaded,
    drained,
    report: lasting.metrics.report,
    async retire() {
      draining.isDraining = true
      await Promise.all([callers, operators, checks].map((door) => door?.shut(lingerMs)))
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Of a target that is no longer in the file nothing would tell that it is well again. */
function forgetTargets(former: GatewayConfig, now: GatewayConfig, metrics: Metrics): void {
  for (const { name, targets } of former.upstreams) {
    const kept = now.upstreams.find((upstream) => upstream.name === name)?.targets ?? []
    for (const { url } of targets) {
      if (!kept.some((target) => target.url === url)) metrics.targetGone(name, url)
    }
  }
}

/** What the doors and the stores were opened with. */
function whatCannotChange(now: GatewayConfig, next: GatewayConfig): string[] {
  const opened = ({
    listen,
    admin,
    check,
    stores,
    limits,
    workers,
  }: GatewayConfig): Record<string, unknown> => ({
    'listen.host and listen.port': [listen.host, listen.port],
    'admin.host and admin.port': [admin.host, admin.port],
    'check.host and check.port': check && [check.host, check.port],
    stores,
    'listen.tls': listen.tls,
    'limits.headersTimeout and limits.maxConnections': [limits.headersTimeoutMs, limits.maxConnections],
    workers,
  })
  const wanted = opened(next)
  return Object.entries(opened(now))
    .filter(([name, value]) => !isDeepStrictEqual(value, wanted[name]))
    .map(([name]) => name)
}
