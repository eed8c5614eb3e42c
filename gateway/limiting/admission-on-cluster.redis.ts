import type { Cluster } from 'ioredis'
import { limitNewsChannel, subjectTag } from '../connections/redis-keys.ts'
import {
  type Admission,
  type AdmissionRequest,
  type AdmissionStore,
  isViolated,
  retryAfterMs,
  type Settlement,
  type WindowState,
} from './admission.ts'
import { type AdmissionBatch, createAdmissionBatch, type Purpose } from './admission-batch.ts'
import { defineAdmissionScripts, type RedisAdmissionOptions } from './admission-scripts.redis.ts'
import { createSendPace } from './send-pace.ts'
import { createSettlementQueue } from './settlements.ts'

/** The part of a call whose keys lie on one slot. */
interface Part {
  readonly tag: string
  readonly request: AdmissionRequest
  /** Where its windows stand in the whole call. */
  readonly places: readonly number[]
}

/**
 * Admission in a Redis Cluster, where a script reaches one slot. Calls that arrive together share one
 * EVALSHA per subject; what goes to one node goes in one write.
 *
 * A call with windows on several slots is admitted on one after the other, its session's first. When a
 * later one denies, the earlier ones get their very entries back: never more than a quota is admitted,
 * but a place may be held for a moment by a call that is then denied.
 */
export function createClusterAdmission(
  cluster: Cluster,
  options: RedisAdmissionOptions = {},
): AdmissionStore {
  const scripts = defineAdmissionScripts(cluster, options)
  let batches = new Map<string, AdmissionBatch>()
  // What could not be given back at once is given back later; sent twice it acts once.
  const refunds = createSettlementQueue({
    store: { settle },
    settled: ({ window }) => tellThatRoomIsBack([window]),
  })

  async function settle(settlements: readonly Settlement[]): Promise<void> {
    const sent = await eachTag(settlements, ({ window }) => window.request.subject, scripts.settle)
    const failed = sent.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  const gather = createSendPace(() => {
    const sending = batches
    batches = new Map()
    const streams = cluster.nodes('master').map(({ stream }) => stream)
    for (const stream of streams) stream?.cork()
    const answers = [...sending.values()].map((batch) => batch.send())
    for (const stream of streams) stream?.uncork()
    return Promise.all(answers)
  })

  function ask({ tag, request }: Part, purpose: Purpose): Promise<Admission> {
    if (batches.size === 0) gather()
    let batch = batches.get(tag)
    if (batch === undefined) {
      batch = createAdmissionBatch(scripts)
      batches.set(tag, batch)
    }
    return batch.add({ request, purpose })
  }

  async function admit(request: AdmissionRequest): Promise<Admission> {
    const parts = partsOf(request)
    const [only] = parts
    if (only !== undefined && parts.length === 1) return ask(only, 'count')
    const taken: { readonly part: Part; readonly windows: readonly WindowState[] }[] = []
    for (const [i, part] of parts.entries()) {
      const answer = await ask(part, 'count').catch((error: unknown) => {
        giveBack(
          request.callId,
          taken.flatMap(({ windows }) => windows),
        )
        throw error
      })
      if (answer.kind === 'session-ended') return answer
      if (answer.kind === 'denied') {
        giveBack(
          request.callId,
          taken.flatMap(({ windows }) => windows),
        )
        // On one connection after the refund, so that they show what is there without this call.
        const others = await Promise.all([
          ...taken.map((earlier) => ask(earlier.part, 'look')),
          ...parts.slice(i + 1).map((later) => ask(later, 'judge')),
        ])
        return together(request, parts, [...others.slice(0, i), answer, ...others.slice(i)])
      }
      taken.push({ part, windows: answer.windows })
    }
    return together(
      request,
      parts,
      taken.map(({ windows }) => ({ kind: 'allowed', windows })),
    )
  }

  /** Written at once, so that what is asked next on these slots sees it. */
  function giveBack(callId: string, windows: readonly WindowState[]): void {
    const given = windows
      .filter(({ receipt }) => receipt !== 0)
      .map((window): Settlement => ({ window, callId, act: { kind: 'refund' } }))
    settle(given).then(
      () => tellThatRoomIsBack(windows),
      () => {
        for (const settlement of given) refunds.add(settlement)
      },
    )
  }

  /** Who was denied because of a place that was only held may be remembered as denied. */
  function tellThatRoomIsBack(windows: readonly WindowState[]): void {
    for (const { remaining, request } of windows) {
      if (remaining > 0 || request.isShadow) continue
      void cluster.publish(limitNewsChannel, `loosened ${request.subject}`).catch(() => undefined)
    }
  }

  return {
    ...scripts,
    settle,
    admit,
    async look(request) {
      const parts = partsOf(request)
      return together(request, parts, await Promise.all(parts.map((part) => ask(part, 'look'))))
    },
    async replay(calls) {
      const sent = await eachTag(calls, ({ window }) => window.subject, scripts.replay)
      // Counted twice would be worse than not at all, so what one slot of many has not taken is let go.
      const [first] = sent
      if (first?.status === 'rejected' && sent.every(({ status }) => status === 'rejected'))
        throw first.reason
    },
  }
}

/** The session's slot first, so that a call of a dead one takes nothing anywhere. */
function partsOf({ session, windows, callId }: AdmissionRequest): Part[] {
  const tags = new Set(windows.map(({ subject }) => subjectTag(subject)))
  const ofSession = session === null ? null : subjectTag(`u:${session.accountId}`)
  const ordered =
    ofSession === null ? [...tags] : [ofSession, ...[...tags].filter((tag) => tag !== ofSession)]
  return ordered.map((tag) => {
    const places = windows.flatMap(({ subject }, i) => (subjectTag(subject) === tag ? [i] : []))
    const own = windows.filter(({ subject }) => subjectTag(subject) === tag)
    return { tag, places, request: { session: tag === ofSession ? session : null, windows: own, callId } }
  })
}

/** The answers of the slots as one; a denial on any of them denies. */
function together(
  { windows }: AdmissionRequest,
  parts: readonly Part[],
  answers: readonly Admission[],
): Admission {
  const states: WindowState[] = Array(windows.length)
  for (const [i, answer] of answers.entries()) {
    if (answer.kind === 'session-ended') return answer
    for (const [j, place] of (parts[i]?.places ?? []).entries())
      states[place] = answer.windows[j] as WindowState
  }
  if (!states.some(isViolated)) return { kind: 'allowed', windows: states }
  return { kind: 'denied', windows: states, retryAfterMs: retryAfterMs(states) }
}

function eachTag<T>(
  items: readonly T[],
  subjectOf: (item: T) => string,
  send: (ofOneTag: readonly T[]) => Promise<void>,
): Promise<PromiseSettledResult<void>[]> {
  const byTag = Map.groupBy(items, (item) => subjectTag(subjectOf(item)))
  return Promise.allSettled([...byTag.values()].map(send))
}
