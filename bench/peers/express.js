// express + http-proxy-middleware + express-rate-limit + rate-limit-redis: kept-alive connections, auto-pipelining,
// cached tokens, denials remembered.
import { Agent } from 'node:http'
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { Redis } from 'ioredis'
import { RedisStore } from 'rate-limit-redis'
import { callerOf } from './caller.js'
import { job, listening } from './job.js'
import { knownDenialSeconds, rememberDenial } from './known-denials.js'

const app = express()
app.disable('x-powered-by')
app.set('etag', false)
const redis = new Redis(job.redisUrl, { enableAutoPipelining: true })
const proxy = createProxyMiddleware({
  target: job.upstreamUrl,
  agent: new Agent({ keepAlive: true, maxSockets: 128 }),
})

app.use('/bare', proxy)

for (const [path, limit, windowMs] of [
  ['/admitted', 1_000_000, 1_000],
  ['/denied', job.quota, job.windowSeconds * 1_000],
]) {
  app.use(
    path,
    (request, response, next) => {
      const caller = callerOf(request)
      if (caller === null) return response.status(401).json({ error: 'unauthenticated' })
      request.caller = caller
      const seconds = path === '/denied' ? knownDenialSeconds(caller) : 0
      if (seconds > 0) return response.set('retry-after', seconds).status(429).json({ error: 'limited' })
      return next()
    },
    rateLimit({
      ...{ windowMs, limit, standardHeaders: 'draft-8', legacyHeaders: false },
      keyGenerator: (request) => request.caller,
      store: new RedisStore({
        prefix: `express${path}:`,
        sendCommand: (command, ...args) => redis.call(command, ...args),
      }),
      handler(request, response) {
        rememberDenial(request.caller, windowMs)
        response.status(429).json({ error: 'limited' })
      },
    }),
    proxy,
  )
}

app.listen(job.port, '127.0.0.1', () => listening())
