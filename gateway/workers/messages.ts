import type { GatewayConfig } from '../config/config.ts'
import type { Report } from '../metrics/reports.ts'
import type { DrainChange } from '../proxying/balancing/drained-targets.ts'

/** Where a gateway can be reached. */
export interface Places {
  readonly url: string
  readonly adminUrl: string
  readonly checkUrl: string | null
}

/** What the primary tells a worker. */
export type Order =
  | { readonly kind: 'serve'; readonly config: GatewayConfig; readonly adminToken: string }
  /** Another worker has taken its place, with this configuration: finish what runs, at leisure. */
  | { readonly kind: 'retire'; readonly config: GatewayConfig }
  /** Finish what runs, now. */
  | { readonly kind: 'stop' }
  /** The configuration was read again and is bad. */
  | { readonly kind: 'config-refused' }
  | { readonly kind: 'report' }
  /** An operator has said so, to one of the workers. */
  | { readonly kind: 'drain'; readonly change: DrainChange }
  /** The answer to `scrape`. */
  | { readonly kind: 'scraped'; readonly id: number; readonly text: string }

/** What a worker tells the primary. */
export type Word =
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly places: Places }
  | { readonly kind: 'failed'; readonly reason: string }
  /** It lets nobody in any more. */
  | { readonly kind: 'retiring' }
  /** Its figures: when asked, and with its last breath. */
  | { readonly kind: 'reported'; readonly report: Report }
  /** An operator has said so, to this one. */
  | { readonly kind: 'drained'; readonly change: DrainChange }
  /** Somebody asks it for the figures of all. */
  | { readonly kind: 'scrape'; readonly id: number }
