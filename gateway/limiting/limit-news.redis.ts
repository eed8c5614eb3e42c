import type { Cluster, Redis } from 'ioredis'
import { limitNewsChannel } from '../connections/redis-keys.ts'
import type { LimitNews, LimitNewsChannel, LimitNewsListener } from './limit-news.ts'

/**
 * News over Redis.
 *
 * @param publisher any connection
 * @param subscriber a connection of its own: one that subscribes can do nothing else
 */
export function createRedisLimitNews(publisher: Redis | Cluster, subscriber: Redis): LimitNewsChannel {
  const listeners = new Set<LimitNewsListener>()
  let isLive = false

  const tell = (news: LimitNews): void => {
    for (const listener of listeners) listener(news)
  }

  async function subscribe(): Promise<void> {
    try {
      await subscriber.subscribe(limitNewsChannel)
      // Whatever was said before is lost.
      tell({ kind: 'missed' })
      isLive = true
    } catch {
      deaf()
    }
  }

  function deaf(): void {
    if (!isLive) return
    isLive = false
    tell({ kind: 'missed' })
  }

  if (subscriber.status === 'ready') void subscribe()
  subscriber.on('ready', subscribe)
  subscriber.on('close', deaf)
  subscriber.on('message', (_channel: string, text: string) => {
    const news = readNews(text)
    if (news !== null) tell(news)
  })
  return {
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async publish({ kind, subject }) {
      await publisher.publish(limitNewsChannel, `${kind} ${subject}`)
    },
    isLive: () => isLive,
    renew() {
      deaf()
      subscriber.disconnect(true)
    },
  }
}

function readNews(text: string): LimitNews | null {
  const space = text.indexOf(' ')
  const [kind, subject] = [text.slice(0, space), text.slice(space + 1)]
  return kind === 'loosened' || kind === 'exhausted' ? { kind, subject } : null
}
