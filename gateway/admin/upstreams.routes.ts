import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { DrainChange } from '../proxying/balancing/drained-targets.ts'
import type { Target } from '../proxying/balancing/target.ts'
import type { TargetGroup } from '../proxying/balancing/target-group.ts'
import { type NotingOptions, noting } from './audit-note.ts'

export interface UpstreamsRoutesOptions extends NotingOptions {
  /** As the configuration lists them. */
  readonly upstreams: readonly TargetGroup[]
  /** Is obeyed at once. */
  readonly drain: (change: DrainChange) => void
}

type TargetRequest = FastifyRequest<{ Params: { name: string; target: string } }>

/** Health and load of the targets behind this gateway, and the one thing to do about them: drain. */
export function upstreamsRoutes(app: FastifyInstance, options: UpstreamsRoutesOptions): void {
  const { upstreams } = options
  const note = noting(options)

  app.get('/api/upstreams', () =>
    upstreams.map(({ name, targets }) => ({ name, targets: targets.map(describeTarget) })),
  )

  const setDraining = (isDraining: boolean) =>
    async function setDraining(request: TargetRequest): Promise<object> {
      const { name, target: host } = request.params
      const target = findTarget(upstreams, name, host)
      await note(request, {
        action: isDraining ? 'drain-target' : 'restore-target',
        subject: `upstream:${name}/${host}`,
        ...{ policy: null, quota: null, forSeconds: null, reason: '' },
      })
      options.drain({ upstream: name, target: host, isDraining })
      return describeTarget(target)
    }

  app.put('/api/upstreams/:name/targets/:target/drain', setDraining(true))
  app.delete('/api/upstreams/:name/targets/:target/drain', setDraining(false))
}

function findTarget(upstreams: readonly TargetGroup[], name: string, host: string): Target {
  const upstream = upstreams.find((one) => one.name === name)
  const target = upstream?.targets.find((one) => one.name === host)
  if (target !== undefined) return target
  const known = upstream === undefined ? upstreams : upstream.targets
  throw new GatewayError('not-found', {
    sentence:
      `No ${upstream === undefined ? 'upstream' : 'target'} has this name. ` +
      `There are ${known.map((one) => one.name).join(', ')}; a target is named by its host and port.`,
  })
}

function describeTarget(target: Target): object {
  const nowMs = performance.now()
  const { name, url, weight, state, inFlight, websockets, circuit } = target
  return {
    name,
    url,
    weight,
    state,
    inFlight,
    websockets,
    latencyMs: Math.round(target.latencyAt(nowMs) * 10) / 10,
    ejectedUntil:
      circuit?.state.kind === 'open'
        ? new Date(Date.now() + circuit.state.untilMs - nowMs).toISOString()
        : null,
  }
}
