// fastify + @fastify/http-proxy + @fastify/rate-limit on Redis: auto-pipelining, cached tokens, denials remembered.
import httpProxy from '@fastify/http-proxy'
import rateLimit from '@fastify/rate-limit'
import fastify from 'fastify'
import { Redis } from 'ioredis'
import { callerOf } from './caller.js'
import { job, listening } from './job.js'
import { knownDenialSeconds, rememberDenial } from './known-denials.js'

const app = fastify({ logger: false })
const redis = new Redis(job.redisUrl, { enableAutoPipelining: true })
const proxy = { upstream: job.upstreamUrl, undici: { connections: 128, pipelining: 1 } }

await app.register(httpProxy, { ...proxy, prefix: '/bare', rewritePrefix: '/' })

for (const [prefix, max, timeWindow] of [
  ['/admitted', 1_000_000, 1_000],
  ['/denied', job.quota, job.windowSeconds * 1_000],
]) {
  await app.register(async (limited) => {
    limited.addHook('onRequest', async (request, reply) => {
      const caller = callerOf(request)
      if (caller === null) return reply.code(401).send({ error: 'unauthenticated' })
      request.caller = caller
      if (prefix !== '/denied') return undefined
      const seconds = knownDenialSeconds(caller)
      if (seconds > 0) return reply.code(429).header('retry-after', seconds).send({ error: 'limited' })
      return undefined
    })
    await limited.register(rateLimit, {
      ...{ redis, max, timeWindow, global: true, hook: 'onRequest', nameSpace: `fastify${prefix}:` },
      keyGenerator: (request) => request.caller,
      onExceeded: (_request, key) => rememberDenial(key, timeWindow),
    })
    await limited.register(httpProxy, { ...proxy, prefix, rewritePrefix: '/' })
  })
}

await app.listen({ port: job.port, host: '127.0.0.1' })
listening()
