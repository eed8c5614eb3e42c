import type { Filling } from './filling.ts'

/** How far the cache has come with one request. */
export type CacheTurn =
  /** It has answered, and the app was not asked for this caller. */
  | { readonly kind: 'served' }
  /** The app is asked, and what it says may be kept. */
  | { readonly kind: 'filling'; readonly filling: Filling }
