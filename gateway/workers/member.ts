import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GatewayConfig } from '../config/config.ts'
import type { Report } from '../metrics/reports.ts'
import type { DrainChange } from '../proxying/balancing/drained-targets.ts'
import type { Order, Places, Word } from './messages.ts'

/** One worker, as the primary sees it. */
export interface Member {
  readonly pid: number
  readonly places: Places
  /** The latest of its figures that are known here; null: it has never told. */
  readonly report: Report | null
  /** Resolves when it has ended and nothing more comes from it. */
  readonly ended: Promise<string>
  tell(order: Order): void
  /** Resolves when it lets nobody in any more; it ends by itself when what runs is finished. */
  retire(config: GatewayConfig): Promise<void>
  /** Resolves when it has told its figures anew, `withinMs` at most. */
  askForReport(withinMs: number): Promise<void>
}

export interface MemberOptions {
  readonly config: GatewayConfig
  readonly adminToken: string
  readonly asksForScrape: (member: Member, id: number) => void
  readonly drained: (change: DrainChange) => void
}

/**
 * Starts a worker and waits until it listens.
 *
 * @throws Error that names the reason and the cure, when it cannot
 */
export async function startMember(options: MemberOptions): Promise<Member> {
  const { config, adminToken, asksForScrape, drained } = options
  const worker = cluster.fork()
  const { promise: listening, resolve, reject } = Promise.withResolvers<Places>()
  let report: Report | null = null
  let reported = Promise.withResolvers<void>()
  const retiring = Promise.withResolvers<void>()
  let failure: string | null = null

  const tell = (order: Order): void => {
    // One that has just died is told nothing.
    if (worker.isConnected()) worker.send(order, () => {})
  }
  const ended = endOf(worker)
  void ended.then((how) => {
    reported.resolve()
    retiring.resolve()
    reject(new Error(failure ?? `a worker ended while it started (${how})`))
  })
  worker.on('message', (word: Word) => {
    if (word.kind === 'ready') tell({ kind: 'serve', config, adminToken })
    else if (word.kind === 'listening') resolve(word.places)
    else if (word.kind === 'failed') failure = word.reason
    else if (word.kind === 'retiring') retiring.resolve()
    else if (word.kind === 'drained') drained(word.change)
    else if (word.kind === 'scrape') asksForScrape(member, word.id)
    else if (word.kind === 'reported') {
      report = word.report
      reported.resolve()
      reported = Promise.withResolvers()
    }
  })

  const member = {
    pid: worker.process.pid as number,
    places: { url: '', adminUrl: '', checkUrl: null } as Places,
    get report() {
      return report
    },
    ended,
    tell,
    async retire(next: GatewayConfig) {
      tell({ kind: 'retire', config: next })
      await retiring.promise
    },
    async askForReport(withinMs: number) {
      tell({ kind: 'report' })
      const late = new AbortController()
      await Promise.race([
        reported.promise,
        sleep(withinMs, undefined, { signal: late.signal }).catch(() => {}),
      ])
      late.abort()
    },
  }
  member.places = await listening
  return member
}

/** Its exit and the end of what it had to say come in any order. */
async function endOf(worker: Worker): Promise<string> {
  const { promise: exit, resolve: exited } = Promise.withResolvers<string>()
  const { promise: silence, resolve: silent } = Promise.withResolvers<void>()
  worker.once('exit', (code, signal) => exited(signal ?? `exit code ${code}`))
  worker.once('disconnect', silent)
  // Without a process there is no exit.
  worker.once('error', (error) => {
    exited(error.message)
    silent()
  })
  await silence
  return exit
}
