/** What gateways tell each other about one subject's limits. */
export type LimitNews =
  /** Its windows have more room than anyone may remember: a reset, a boost, a refund, the end of a session. */
  | { readonly kind: 'loosened'; readonly subject: string }
  /** It has just used its last place. A subject of several parts is named by its first. */
  | { readonly kind: 'exhausted'; readonly subject: string }
  /** News may have been missed: believe nothing that was remembered. */
  | { readonly kind: 'missed' }

export type LimitNewsListener = (news: LimitNews) => void

/** Between gateways over a Redis channel (`limit-news.redis.ts`), or within one (`limit-news.embedded.ts`). */
export interface LimitNewsChannel {
  /** Told of one's own news too. Returns what ends the listening. */
  listen(listener: LimitNewsListener): () => void
  publish(news: Exclude<LimitNews, { kind: 'missed' }>): Promise<void>
  /** False while news of other gateways cannot arrive. */
  isLive(): boolean
  /** Opens the channel anew, because what it goes through was away and may have gone deaf unseen. */
  renew(): void
}
