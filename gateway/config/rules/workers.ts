import type { ConfigDraft } from '../draft.ts'
import type { Finding } from '../problem.ts'

/** Whatever lies in the process, where a second worker could not see it: each with the key that says so. */
export function keptInProcess({ stores, cache, routes }: ConfigDraft): { what: string; key: string }[] {
  const kept = []
  if (stores?.sessions === 'embedded') kept.push({ what: 'sessions', key: 'stores.sessions' })
  if (stores?.hits === 'embedded') kept.push({ what: 'hits', key: 'stores.hits' })
  // A purge would reach one worker of several.
  if (cache?.home === 'embedded' && routes?.some((route) => route?.cache))
    kept.push({ what: 'stored answers', key: 'cache.home' })
  return kept
}

/** `auto` means one then; a number was meant as one. */
export function checkWorkers(draft: ConfigDraft): Finding[] {
  const { workers } = draft
  if (workers === undefined || workers === 'auto' || Number(workers) === 1) return []
  return keptInProcess(draft).map(({ what, key }) => ({
    path: ['workers'],
    value: String(workers),
    message: `several workers, and ${what} in each of them`,
    cure: `write workers: 1, or a store that they share under ${key}`,
  }))
}
