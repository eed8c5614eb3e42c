import type { LimitNewsChannel, LimitNewsListener } from './limit-news.ts'

/** One gateway alone tells itself. */
export function createEmbeddedLimitNews(): LimitNewsChannel {
  const listeners = new Set<LimitNewsListener>()
  return {
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async publish(news) {
      for (const listener of listeners) listener(news)
    },
    isLive: () => true,
    renew() {},
  }
}
