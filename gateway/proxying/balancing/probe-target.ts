import { setTimeout as wait } from 'node:timers/promises'
import type { Connections } from '../http1/connections.ts'
import { type AnswerSink, type ExchangeWatcher, type HttpRequest, sendHttp } from '../send-http.ts'
import { ProbeHealth, type ProbeThresholds } from './probe-health.ts'
import type { Target } from './target.ts'

export interface ProbeOptions extends ProbeThresholds {
  readonly path: string
  readonly everyMs: number
  readonly timeoutMs: number
  /** The statuses, first and last, that a healthy target answers. */
  readonly status: { readonly least: number; readonly most: number }
}

/**
 * Asks a target again and again whether it is well, from now until it is disposed.
 *
 * @param connections of their own: behind calls that wait for their turn a probe would come too late
 */
export function probeTarget(
  target: Target,
  options: ProbeOptions,
  connections: { readonly pool: Connections },
): AsyncDisposable {
  const stopping = new AbortController()
  const health = new ProbeHealth(options)

  async function keepProbing(): Promise<void> {
    while (!stopping.signal.aborted) {
      const isGood = await isWell(connections.pool, options, stopping.signal)
      if (stopping.signal.aborted) return
      if (health.heard(isGood)) target.setHealthy(health.isHealthy, performance.now())
      await wait(options.everyMs, null, { signal: stopping.signal, ref: false }).catch(() => undefined)
    }
  }

  const probing = keepProbing()
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await probing
    },
  }
}

async function isWell(
  pool: Connections,
  { path, timeoutMs, status }: ProbeOptions,
  stopping: AbortSignal,
): Promise<boolean> {
  const answered = await statusOf(pool, path, AbortSignal.any([stopping, AbortSignal.timeout(timeoutMs)]))
  return answered !== null && answered >= status.least && answered <= status.most
}

/** Null when there is none, or it breaks off. */
function statusOf(pool: Connections, path: string, givenUp: AbortSignal): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>()
  let answered: number | null = null
  const sink: AnswerSink = {
    informed: () => undefined,
    begin(status) {
      answered = status
    },
    write: () => true,
    end: () => resolve(answered),
    failed: () => resolve(null),
  }
  const sending = sendHttp(pool, { ...probe, target: path }, sink, nobody, true)
  const giveUp = (): void => sending.abort(new Error('the probe took too long'))
  givenUp.addEventListener('abort', giveUp, { once: true })
  return promise.finally(() => givenUp.removeEventListener('abort', giveUp))
}

const probe: Omit<HttpRequest, 'target'> = {
  method: 'GET',
  // A connection kept open tells nothing about a target that takes no new ones.
  headers: { 'user-agent': 'guichet-probe', connection: 'close' },
  body: null,
  takesTrailers: false,
  responseTimeoutMs: null,
}

const nobody: ExchangeWatcher = {
  answered: () => undefined,
  ended: () => undefined,
  failed: () => false,
}
