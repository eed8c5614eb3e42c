import { Registry } from 'prom-client'
import type { ShedReason } from '../listening/shed.step.ts'
import { createInstruments } from './instruments.ts'
import { type DecisionLabel, decisionLabel, methodLabel, routeLabel, type Verdict } from './labels.ts'
import { onScrape, readProcessOnScrape } from './process-metrics.ts'
import type { Report } from './reports.ts'
import { readStoresOnScrape, type StoreReadings } from './store-readings.ts'

export interface MetricsOptions {
  readonly version: string
  readonly stores: readonly string[]
}

/** Names from the configuration, so that their series exist, at 0, before the first call. */
export interface ExpectedNames {
  readonly services: readonly string[]
  readonly policies: readonly string[]
}

export type Tier = 'store' | 'memory' | 'degraded'
export type LoginResult = 'accepted' | 'refused' | 'limited' | 'failed'

export interface FinishedRequest {
  /** The route's name; null when none matched. */
  readonly route: string | null
  readonly method: string
  readonly status: number
  readonly durationSeconds: number
  /** The same without the upstream's time. */
  readonly overheadSeconds: number
}

export interface TargetReading {
  readonly upstream: string
  /** Its URL. */
  readonly target: string
  readonly takesCalls: boolean
}

export type Metrics = ReturnType<typeof createMetrics>

/** Records what happens, for Prometheus. Every recording is synchronous, cheap and never throws. */
export function createMetrics(options: MetricsOptions) {
  const registry = new Registry()
  const instruments = createInstruments(registry)
  const stopProcess = readProcessOnScrape(instruments)

  const { requests, requestSeconds, overheadSeconds, upstreamSeconds } = instruments
  const { decisions, storeSeconds, serviceCalls, cacheRequests } = instruments

  instruments.buildInfo.set({ version: options.version, node: process.version }, 1)
  instruments.configReload.set(1)
  // Absent until someone can tell: 0 would be a claim.
  for (const gauge of [instruments.sessions, instruments.hitsPending, instruments.certificateExpiry])
    gauge.remove()
  // Their series exist from the start.
  for (const store of options.stores) {
    instruments.storeUp.set({ store }, 1)
    instruments.storeErrors.inc({ store }, 0)
  }
  for (const reason of ['in-flight', 'event-loop']) instruments.shedRequests.inc({ reason }, 0)
  for (const result of ['accepted', 'refused', 'limited', 'failed']) instruments.logins.inc({ result }, 0)

  return {
    expect({ services, policies }: ExpectedNames): void {
      for (const service of services) serviceCalls(service)
      for (const policy of policies) {
        for (const decision of ['allowed', 'near', 'denied']) decisions(policy, decision, 'store')
      }
    },
    requestFinished(request: FinishedRequest): void {
      const route = routeLabel(request.route)
      requests(route, methodLabel(request.method), String(request.status)).count++
      requestSeconds(route).observe(request.durationSeconds)
      // Clocks read at different moments may leave a hair less than nothing.
      overheadSeconds(route).observe(Math.max(0, request.overheadSeconds))
    },
    upstreamAnswered(upstream: string, seconds: number): void {
      upstreamSeconds(upstream).observe(seconds)
    },
    upstreamIs(upstream: string, target: string, isUp: boolean): void {
      instruments.upstreamUp.set({ upstream, target }, isUp ? 1 : 0)
    },
    targetGone(upstream: string, target: string): void {
      instruments.upstreamUp.remove({ upstream, target })
    },
    /** One window that was looked at for a call, as the limiter hands it over. */
    decided(verdict: Verdict, tier: Tier): void {
      decisions(verdict.request.policy.name, decisionLabel(verdict), tier).count++
    },
    /** For a verdict without a window: a policy that refuses because its store is away. */
    decidedAs(policy: string, decision: DecisionLabel, tier: Tier): void {
      decisions(policy, decision, tier).count++
    },
    storeCall(store: string, seconds: number): void {
      storeSeconds(store).observe(seconds)
    },
    storeFailed(store: string): void {
      instruments.storeErrors.inc({ store })
    },
    storeIs(store: string, isUp: boolean): void {
      instruments.storeUp.set({ store }, isUp ? 1 : 0)
    },
    cacheAnswered(route: string, result: string): void {
      cacheRequests(routeLabel(route), result).count++
    },
    websocketsOpen(open: number): void {
      instruments.websocketsOpen.set(open)
    },
    shed(reason: ShedReason): void {
      instruments.shedRequests.inc({ reason })
    },
    connectionDropped(): void {
      instruments.droppedConnections.inc()
    },
    certificateExpires(atMs: number): void {
      instruments.certificateExpiry.set(atMs / 1000)
    },
    hitForwarded(service: string): void {
      serviceCalls(service).count++
    },
    loggedIn(result: LoginResult): void {
      instruments.logins.inc({ result })
    },
    configReloaded(isAccepted: boolean): void {
      instruments.configReload.set(isAccepted ? 1 : 0)
    },

    /** Reads stores at scrapes from now on; until then, and whenever one is away, its series are absent. */
    readStores(readings: StoreReadings): void {
      readStoresOnScrape(instruments, readings)
    },
    /** Tells of these targets at scrapes from now on, and of no others. */
    readTargets(read: () => readonly TargetReading[]): void {
      const { takingCalls } = instruments
      onScrape(takingCalls, () => {
        takingCalls.reset()
        for (const { upstream, target, takesCalls } of read())
          takingCalls.set({ upstream, target }, takesCalls ? 1 : 0)
      })
    },
    contentType: registry.contentType,
    /** Everything in Prometheus's text format; resolves within the readings' deadline even when stores are away. */
    scrape: (): Promise<string> => registry.metrics(),
    /** The same for another process, which puts several together. */
    report: (): Promise<Report> => registry.getMetricsAsJSON(),
    close: stopProcess,
  }
}
