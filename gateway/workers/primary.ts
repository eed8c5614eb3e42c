import cluster from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { GatewayConfig } from '../config/config.ts'
import { createPrimaryMetrics } from '../metrics/primary-metrics.ts'
import { countsOf, type Report, reportsAsText } from '../metrics/reports.ts'
import { type DrainChange, DrainedTargets } from '../proxying/balancing/drained-targets.ts'
import { type Member, startMember } from './member.ts'
import type { Places } from './messages.ts'

export interface Primary extends AsyncDisposable {
  readonly places: Places
  /** Rejects when no worker can be kept alive. */
  readonly givenUp: Promise<never>
  /**
   * New workers take over, and the old ones finish what runs.
   *
   * @throws Error that says why new ones do not start; the old ones go on
   */
  reload(config: GatewayConfig): Promise<void>
  /** The configuration was read again and is bad. */
  configRefused(): void
}

export interface PrimaryOptions {
  /** The program that a worker runs, and its arguments. */
  readonly exec: string
  readonly args: string[]
  readonly adminToken: string
  readonly log: Logger
}

/** A worker that has not told its figures by then is represented by its latest ones. */
const reportDeadlineMs = 800
/** Ends of workers are remembered for this long: the more of them, the longer the pause before the next start. */
const unrestMs = 60_000
const firstPauseMs = 100
const longestPauseMs = 5_000
/** Starts that may fail in a row while no worker lives. */
const mostFailedStarts = 3

/**
 * Starts the workers and keeps their number: one that dies is replaced. Carries no traffic itself.
 *
 * @throws Error of the first worker, when it cannot start
 */
export async function openPrimary(config: GatewayConfig, options: PrimaryOptions): Promise<Primary> {
  cluster.setupPrimary({ exec: options.exec, args: options.args, serialization: 'advanced' })
  const primary = new Workers(options)
  await primary.reload(config)
  return primary
}

class Workers implements Primary {
  readonly #options: PrimaryOptions
  readonly #givenUp = Promise.withResolvers<never>()
  readonly #all = new Set<Member>()
  /** Those that should live on, and what they serve. */
  #serving: { readonly config: GatewayConfig; readonly members: Set<Member> } | null = null
  /** What workers that are gone have counted. */
  #counts: Report = []
  #endedAtMs: number[] = []
  #failedStarts = 0
  #places: Places | null = null
  readonly #metrics = createPrimaryMetrics()
  readonly #drained = new DrainedTargets()
  readonly #stopping = new AbortController()

  constructor(options: PrimaryOptions) {
    this.#options = options
    // Whoever waits for it hears of it; until somebody does, it is no stray error.
    this.#givenUp.promise.catch(() => {})
  }

  get places(): Places {
    return this.#places as Places
  }

  get givenUp(): Promise<never> {
    return this.#givenUp.promise
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  async reload(config: GatewayConfig): Promise<void> {
    const members = new Set<Member>()
    try {
      // One first: what is wrong with all is said once, and one alone migrates databases.
      members.add(await this.#start(config))
      const others = Array.from({ length: config.workers - 1 }, () => this.#start(config))
      for (const start of await Promise.allSettled(others)) {
        if (start.status === 'rejected') throw start.reason
        members.add(start.value)
      }
    } catch (error) {
      for (const member of members) member.tell({ kind: 'stop' })
      throw error
    }
    const former = [...(this.#serving?.members ?? [])]
    this.#serving = { config, members }
    for (const member of members) this.#places ??= member.places
    // Some may have died while the others started.
    for (const member of members) if (!this.#all.has(member)) void this.#replace(member, 'early')
    await Promise.all(former.map((member) => member.retire(config)))
  }

  configRefused(): void {
    for (const member of this.#all) member.tell({ kind: 'config-refused' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    for (const member of this.#all) member.tell({ kind: 'stop' })
    await Promise.all([...this.#all].map(({ ended }) => ended))
  }

  async #start(config: GatewayConfig): Promise<Member> {
    const member = await startMember({
      config,
      adminToken: this.#options.adminToken,
      asksForScrape: (asker, id) => void this.#scrape(asker, id),
      drained: (change) => this.#tellAll(change),
    })
    this.#all.add(member)
    for (const change of this.#drained.all()) member.tell({ kind: 'drain', change })
    // A stop that was asked for while it started has not reached it.
    if (this.#isStopping) member.tell({ kind: 'stop' })
    void member.ended.then((how) => this.#ended(member, how))
    return member
  }

  async #ended(member: Member, how: string): Promise<void> {
    this.#all.delete(member)
    if (member.report !== null) this.#counts = await countsOf([this.#counts, member.report])
    if (this.#serving?.members.has(member)) await this.#replace(member, how)
  }

  async #replace(dead: Member, how: string): Promise<void> {
    const serving = this.#serving
    if (!serving?.members.delete(dead) || this.#isStopping) return
    const { log } = this.#options
    log.error({ worker: dead.pid, how }, 'a worker ended by itself; another one takes its place')
    this.#metrics.workerRestarted()
    for (;;) {
      await sleep(this.#pauseMs(), undefined, { signal: this.#stopping.signal }).catch(() => {})
      if (this.#isStopping || this.#serving !== serving) return
      try {
        const member = await this.#start(serving.config)
        this.#failedStarts = 0
        if (this.#serving === serving) serving.members.add(member)
        else void member.retire(this.#serving.config)
        return
      } catch (error) {
        log.error({ err: error }, 'a worker did not start')
        if (++this.#failedStarts >= mostFailedStarts && this.#all.size === 0)
          this.#givenUp.reject(new Error(`no worker starts any more: ${(error as Error).message}`))
      }
    }
  }

  /** Doubles with each worker that ended lately. */
  #pauseMs(): number {
    const nowMs = performance.now()
    this.#endedAtMs = [...this.#endedAtMs.filter((atMs) => nowMs - atMs < unrestMs), nowMs]
    return Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#endedAtMs.length - 1))
  }

  /** What an operator has said to one of them. */
  #tellAll(change: DrainChange): void {
    this.#drained.change(change)
    for (const member of this.#all) member.tell({ kind: 'drain', change })
  }

  /** The figures of all, as of one process; what is the same in all as the asker says it. */
  async #scrape(asker: Member, id: number): Promise<void> {
    const others = [...this.#all].filter((member) => member !== asker)
    await Promise.all([asker, ...others].map((member) => member.askForReport(reportDeadlineMs)))
    const reports = [asker, ...others].flatMap(({ report }) => (report === null ? [] : [report]))
    const own = await this.#metrics.report()
    asker.tell({ kind: 'scraped', id, text: await reportsAsText([...reports, this.#counts, own]) })
  }
}
