import type { FastifyInstance } from 'fastify'
import { GatewayError } from '../errors.ts'
import { type NotingOptions, noting } from './audit-note.ts'
import { optionalText } from './query.ts'

export interface CacheRoutesOptions extends NotingOptions {
  /** Both resolve to how many answers are gone, and reject when the place where they are kept is away. */
  readonly purgePath: (path: string) => Promise<number>
  readonly purgeTag: (tag: string) => Promise<number>
}

/** Takes stored answers away, on every gateway that shares their place. */
export function cacheRoutes(app: FastifyInstance, options: CacheRoutesOptions): void {
  const note = noting(options)

  app.delete('/api/cache', async (request) => {
    const path = optionalText(request.query, 'path')
    const tag = optionalText(request.query, 'tag')
    if ((path === undefined) === (tag === undefined)) {
      throw new GatewayError('invalid-request', {
        sentence: 'Say what to take away: ?path=/a/path or ?tag=a-tag, one of them.',
      })
    }
    const subject = path === undefined ? `tag:${tag}` : `path:${path}`
    await note(request, {
      action: 'purge-cache',
      subject,
      policy: null,
      quota: null,
      forSeconds: null,
      reason: '',
    })
    return {
      purged: await orCacheAway(path === undefined ? options.purgeTag(tag ?? '') : options.purgePath(path)),
    }
  })
}

async function orCacheAway(purging: Promise<number>): Promise<number> {
  try {
    return await purging
  } catch (cause) {
    throw new GatewayError('store-unavailable', {
      sentence:
        'The store of answers is away, so nothing was taken away. Try again when it is back; /metrics tells.',
      retryAfterSeconds: 2,
      cause,
    })
  }
}
