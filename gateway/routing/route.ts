import type { Policy } from '../limiting/policy.ts'

export type Access = 'public' | 'connected'

/** Where calls under `path` go, who may make them, and which policies count them. */
export interface Route {
  /** Label in metrics and the log; the path when the configuration gives none. */
  readonly name: string
  /** Prefix in whole segments: `/api/vente` covers `/api/vente` and `/api/vente/7`, not `/api/ventes`. */
  readonly path: string
  /** Name under which its calls are counted as hits, or null when they are not. */
  readonly service: string | null
  readonly upstream: string
  /** Longest wait for the head of an answer; null: as the upstream has it. */
  readonly responseTimeoutMs: number | null
  readonly access: Access
  readonly policies: readonly Policy[]
  /** Whether unsafe calls that a page of another site sends under our cookie pass: payment callbacks, foreign forms. */
  readonly crossSite: 'refuse' | 'allow'
  /** Places that a call takes in each of its windows. */
  readonly cost: number
  /** Whether answers of the app may be kept, where they allow it. */
  readonly isCached: boolean
}
