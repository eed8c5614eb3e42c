// fast-gateway + rate-limiter-flexible on Redis: kept-alive connections, auto-pipelining, cached tokens, and the library's own memory of
// denied keys.
import gateway from 'fast-gateway'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { callerOf } from './caller.js'
import { job, listening } from './job.js'

const redis = new Redis(job.redisUrl, { enableAutoPipelining: true })

function limited(keyPrefix, points, duration) {
  const limiter = new RateLimiterRedis({
    ...{ storeClient: redis, keyPrefix, points, duration, inMemoryBlockOnConsumed: points + 1 },
  })
  return (request, response, next) => {
    const caller = callerOf(request)
    if (caller === null) {
      response.statusCode = 401
      return response.end('{"error":"unauthenticated"}')
    }
    return limiter.consume(caller).then(
      (state) => {
        response.setHeader('RateLimit', `"calls";r=${state.remainingPoints}`)
        return next()
      },
      (state) => {
        if (state instanceof Error) return next(state)
        response.statusCode = 429
        response.setHeader('Retry-After', Math.ceil(state.msBeforeNext / 1000))
        return response.end('{"error":"limited"}')
      },
    )
  }
}

// Its connections to the upstream are kept alive, up to 2,048, unless told otherwise.
const proxied = { target: job.upstreamUrl, pathRegex: '' }
const server = gateway({
  enableServicesEndpoint: false,
  routes: [
    { prefix: '/bare', ...proxied },
    { prefix: '/admitted', ...proxied, middlewares: [limited('flexible-admitted', 1_000_000, 1)] },
    {
      ...{ prefix: '/denied', ...proxied },
      middlewares: [limited('flexible-denied', job.quota, job.windowSeconds)],
    },
  ],
})
await server.start(job.port, '127.0.0.1')
listening()
