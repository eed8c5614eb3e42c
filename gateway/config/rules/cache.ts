import type { ConfigDraft } from '../draft.ts'
import { maskUrl } from '../mask.ts'
import type { Finding } from '../problem.ts'
import { checkStore, redisDatabases } from './stores.ts'

export function checkCache({ cache, stores }: ConfigDraft): Finding[] {
  const { home, maxBytes, maxEntryBytes } = cache ?? {}
  return [
    ...checkStore(home, ['cache', 'home']),
    ...checkApart(home, 'sessions', stores?.sessions),
    ...checkApart(home, 'hits', stores?.hits),
    ...checkRoom(maxBytes, maxEntryBytes),
  ]
}

/** Answers are thrown away at will, and flushing them must not end a session. */
function checkApart(home: string | undefined, name: string, store: string | undefined): Finding[] {
  const databases = redisDatabases(store)
  if (!redisDatabases(home).some((database) => databases.includes(database))) return []
  return [
    {
      path: ['cache', 'home'],
      value: JSON.stringify(maskUrl(home ?? '')),
      message: `the Redis database of the ${name}`,
      cure: 'name another Redis, or end the URL with another database number, such as /2',
    },
  ]
}

function checkRoom(maxBytes: number | undefined, maxEntryBytes: number | undefined): Finding[] {
  if (maxBytes === undefined || maxEntryBytes === undefined || maxEntryBytes <= maxBytes) return []
  return [
    {
      path: ['cache', 'maxEntryBytes'],
      otherPath: ['cache', 'maxBytes'],
      value: String(maxEntryBytes),
      message: `larger than maxBytes (${maxBytes})`,
      cure: 'lower maxEntryBytes or raise maxBytes',
    },
  ]
}
