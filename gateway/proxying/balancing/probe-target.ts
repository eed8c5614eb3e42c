import { setTimeout as wait } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
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
  connections: { readonly pool: Dispatcher },
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
  pool: Dispatcher,
  { path, timeoutMs, status }: ProbeOptions,
  stopping: AbortSignal,
): Promise<boolean> {
  try {
    const { statusCode, body } = await pool.request({
      method: 'GET',
      path,
      headers: { 'user-agent': 'guichet-probe' },
      // A connection kept open tells nothing about a target that takes no new ones.
      reset: true,
      signal: AbortSignal.any([stopping, AbortSignal.timeout(timeoutMs)]),
    })
    await body.dump()
    return statusCode >= status.least && statusCode <= status.most
  } catch {
    return false
  }
}
