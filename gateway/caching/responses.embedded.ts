import { LRUCache } from 'lru-cache'
import { type Entry, purgeRememberedMs, type Responses } from './responses.ts'

export interface EmbeddedResponsesOptions {
  /** Of bodies, headers and keys together. */
  readonly maxBytes: number
  readonly maxEntryBytes: number
  /** Milliseconds on a clock that is never set back. */
  readonly now?: () => number
}

interface Slot {
  readonly entry: Entry
  readonly groups: readonly string[]
  readonly endsAtMs: number
}

/** What an object costs beyond its texts. */
const overheadBytes = 512
/** Purges that are remembered at once; with more, the oldest are forgotten. */
const mostPurges = 10_000

/** Answers in this process: what was not asked for the longest goes first. */
export function createEmbeddedResponses(options: EmbeddedResponsesOptions): Responses {
  const { now = () => performance.now() } = options
  const members = new Map<string, Set<string>>()
  const slots = new LRUCache<string, Slot>({
    maxSize: options.maxBytes,
    dispose: ({ groups }, key) => leave(groups, key),
  })
  const purges = new LRUCache<string, number>({ max: mostPurges })

  function leave(groups: readonly string[], key: string): void {
    for (const group of groups) {
      const keys = members.get(group)
      keys?.delete(key)
      if (keys?.size === 0) members.delete(group)
    }
  }

  function put(key: string, slot: Slot): void {
    slots.set(key, slot, { size: sizeOf(key, slot) })
    if (!slots.has(key)) return
    for (const group of slot.groups) {
      const keys = members.get(group)
      if (keys === undefined) members.set(group, new Set([key]))
      else keys.add(key)
    }
  }

  function findOne(key: string): Entry | null {
    const slot = slots.get(key)
    if (slot === undefined) return null
    if (now() < slot.endsAtMs) return slot.entry
    slots.delete(key)
    return null
  }

  const wasPurged = (group: string, sinceMs: number): boolean => {
    const purgedAtMs = purges.get(group)
    return purgedAtMs !== undefined && purgedAtMs >= sinceMs && now() - purgedAtMs < purgeRememberedMs
  }

  return {
    find: async (keys) => keys.map(findOne),

    async keep({ key, by, variant, response, groups, keepMs, askedMsAgo }) {
      const askedAtMs = now() - askedMsAgo
      const slot: Slot = { entry: { kind: 'response', response }, groups, endsAtMs: now() + keepMs }
      if (sizeOf(variant, slot) > options.maxEntryBytes) return false
      if (groups.some((group) => wasPurged(group, askedAtMs))) return false
      // The marker outlives its variants, so that none becomes unreachable.
      const endsAtMs = Math.max(slot.endsAtMs, slots.peek(key)?.endsAtMs ?? 0)
      put(key, { entry: { kind: 'varies', by }, groups: [], endsAtMs })
      put(variant, slot)
      return true
    },

    async forget(keys) {
      for (const key of keys) slots.delete(key)
    },

    async purge(group) {
      purges.set(group, now())
      const keys = [...(members.get(group) ?? [])]
      for (const key of keys) slots.delete(key)
      return keys.length
    },
  }
}

function sizeOf(key: string, { entry, groups }: Slot): number {
  const texts = key.length + groups.reduce((sum, group) => sum + group.length, overheadBytes)
  if (entry.kind === 'varies') return texts
  return texts + entry.response.body.length + JSON.stringify(entry.response.headers).length
}
