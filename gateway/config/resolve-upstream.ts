import type { HashBy } from '../proxying/balancing/hash-key.ts'
import type { UpstreamConfig } from './config.ts'
import { durationMs } from './resolve-policy.ts'
import type { ConfigFile } from './schema.ts'

type UpstreamFile = ConfigFile['upstreams'][string]

/** An upstream of a file without problems. */
export function resolveUpstream(name: string, upstream: UpstreamFile): UpstreamConfig {
  const { url, targets, probe, eject, retries, hashBy = 'user' } = upstream
  return {
    name,
    targets: (targets ?? [{ url: url as string, weight: 1 }]).map((target) => ({
      url: new URL(target.url).origin,
      weight: target.weight,
    })),
    balance: upstream.balance,
    hashBy: resolveHashBy(hashBy),
    maxConnections: upstream.maxConnections,
    maxQueue: upstream.maxQueue,
    probe: probe === undefined ? null : resolveProbe(probe),
    eject: { failures: eject.failures, forMs: durationMs(eject.for) },
    retries: { attempts: retries.attempts, budget: Number.parseInt(retries.budget, 10) / 100 },
    slowStartMs: durationMs(upstream.slowStart),
    connectTimeoutMs: durationMs(upstream.connectTimeout),
    responseTimeoutMs: durationMs(upstream.responseTimeout),
    idleTimeoutMs: durationMs(upstream.idleTimeout),
    ca: upstream.ca || null,
  }
}

function resolveHashBy(written: string): HashBy {
  if (written === 'user' || written === 'address') return { kind: written }
  return { kind: 'header', name: written.slice('header:'.length).toLowerCase() }
}

function resolveProbe({
  every,
  timeout,
  status,
  ...probe
}: NonNullable<UpstreamFile['probe']>): UpstreamConfig['probe'] {
  const [least = 0, most = least] = status.split('-').map(Number)
  return { ...probe, everyMs: durationMs(every), timeoutMs: durationMs(timeout), status: { least, most } }
}
