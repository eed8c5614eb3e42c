import { type Audience, keyFor, variantKey } from './cache-key.ts'
import type { CacheableRequest } from './cache-request.ts'
import type { Responses, StoredResponse } from './responses.ts'

/** A stored answer that fits the request, fresh or not. */
export interface Found {
  readonly response: StoredResponse
  /** Where it lies. */
  readonly variant: string
}

export interface Search {
  readonly found: Found | null
  /** Under which equal questions to the app are one, for each audience. */
  readonly everyone: string
  readonly circle: string | null
}

const audiences: readonly Audience[] = ['everyone', 'circle']

/** Looks for what is everyone's first, then for what is kept for the caller. */
export async function findStored(responses: Responses, request: CacheableRequest): Promise<Search> {
  const keys = audiences.map((audience) => keyFor(request, audience)).filter((key) => key !== null)
  const markers = await responses.find(keys)
  const variants = keys.map((key, i) => {
    const marker = markers[i]
    return variantKey(key, marker?.kind === 'varies' ? marker.by : null, request)
  })
  const candidates = variants.filter((_variant, i) => markers[i]?.kind === 'varies')
  const search = { everyone: variants[0] as string, circle: variants[1] ?? null }
  if (candidates.length === 0) return { ...search, found: null }
  const entries = await responses.find(candidates)
  const at = entries.findIndex((entry) => entry?.kind === 'response')
  const entry = entries[at]
  if (entry?.kind !== 'response') return { ...search, found: null }
  return { ...search, found: { response: entry.response, variant: candidates[at] as string } }
}
