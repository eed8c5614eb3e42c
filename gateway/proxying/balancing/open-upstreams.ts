import { TargetConnections } from '../target-connections.ts'
import type { Upstream } from '../upstream.ts'
import type { Balance, BalanceKind } from './balance.ts'
import { Circuit } from './circuit.ts'
import { consistent } from './consistent.ts'
import type { DrainedTargets } from './drained-targets.ts'
import { leastBusy } from './least-busy.ts'
import { probeTarget } from './probe-target.ts'
import { RetryBudget } from './retry-budget.ts'
import { roundRobin } from './round-robin.ts'
import { Target, type TargetState } from './target.ts'
import { TargetGroup } from './target-group.ts'
import { afterFailuresInARow } from './when-to-open.ts'

/** What happens at the targets, for the log and the figures. */
export interface UpstreamEvents {
  asked(upstream: string, durationMs: number): void
  answering(upstream: string, url: string, isAnswering: boolean): void
  changed(upstream: string, url: string, state: TargetState): void
}

/** The apps behind the gateway, each with its targets and the connections to them. */
export interface Upstreams extends AsyncDisposable {
  readonly all: readonly TargetGroup[]
  /** @throws Error when no upstream has that name */
  of(name: string): TargetGroup
}

/** Opens no connection before the first call, or probe. */
export function openUpstreams(
  upstreams: readonly Upstream[],
  drained: DrainedTargets,
  events: UpstreamEvents,
): Upstreams {
  const opened = new AsyncDisposableStack()
  const groups = new Map(upstreams.map((upstream) => [upstream.name, openGroup(upstream, events, opened)]))
  const all = [...groups.values()]
  obey(all, drained, opened)
  return {
    all,
    of(name) {
      const group = groups.get(name)
      if (group === undefined) throw new Error(`no upstream is named ${name}`)
      return group
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** What operators want of the targets, now and later. */
function obey(groups: readonly TargetGroup[], drained: DrainedTargets, opened: AsyncDisposableStack): void {
  const follow = (): void => {
    for (const { name, targets } of groups) {
      for (const target of targets) {
        target.setDraining(drained.isDrained(name, target.name), performance.now())
      }
    }
  }
  follow()
  opened.defer(drained.listen(follow))
}

function openGroup(upstream: Upstream, events: UpstreamEvents, opened: AsyncDisposableStack): TargetGroup {
  const { name, retries, probe, hashBy } = upstream
  return new TargetGroup({
    name,
    connecting: upstream,
    targets: upstream.targets.map((place) => openTarget(upstream, place, events, opened)),
    balance: balances[upstream.balance](),
    hashBy: upstream.balance === 'consistent' ? hashBy : null,
    mostRetries: retries.attempts,
    budget: new RetryBudget(retries.budget),
    probeEveryMs: probe?.everyMs ?? null,
  })
}

const balances: Record<BalanceKind, () => Balance<Target>> = {
  'round-robin': roundRobin,
  'least-busy': leastBusy,
  consistent,
}

function openTarget(
  upstream: Upstream,
  { url, weight }: Upstream['targets'][number],
  events: UpstreamEvents,
  opened: AsyncDisposableStack,
): Target {
  const { name, eject, probe } = upstream
  const connections = opened.use(new TargetConnections(url, upstream))
  // With nowhere else to go, a target that fails at times is better than none.
  const isOnly = upstream.targets.length === 1
  const circuit = isOnly
    ? null
    : new Circuit({ whenToOpen: afterFailuresInARow(eject.failures), openForMs: eject.forMs })
  const { maxConnections, maxQueue, slowStartMs } = upstream
  const target = new Target(
    { url, weight, capacity: maxConnections + maxQueue, slowStartMs, circuit, connections },
    {
      asked: (durationMs) => events.asked(name, durationMs),
      answering: (isAnswering) => events.answering(name, url, isAnswering),
      changed: (state) => events.changed(name, url, state),
    },
  )
  if (probe !== null) {
    opened.use(probeTarget(target, probe, opened.use(new TargetConnections(url, upstream))))
  }
  return target
}
