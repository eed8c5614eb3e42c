import type { FastifyInstance } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { Statistics } from '../hits/statistics.ts'
import { optionalText, wholeNumber } from './query.ts'

const limit = (otherwise: number) => ({ name: 'limit', least: 1, most: 1_000, otherwise })
const days = { name: 'days', least: 1, most: 90, otherwise: 3 }

/** The four statistics and the last calls, as JSON. */
export function statisticsRoutes(app: FastifyInstance, statistics: Statistics): void {
  app.get('/api/stats/recent-logins', ({ query }) => {
    const most = wholeNumber(query, limit(10))
    return answered(statistics.recentLogins(most))
  })

  app.get('/api/stats/top-logins', ({ query }) => {
    const most = wholeNumber(query, limit(3))
    return answered(statistics.topLogins(wholeNumber(query, days), most))
  })

  app.get('/api/stats/least-active', ({ query }) => {
    const most = wholeNumber(query, limit(10))
    return answered(statistics.leastActive(most))
  })

  app.get('/api/stats/services', () => answered(statistics.services()))

  app.get('/api/calls', ({ query }) => {
    const accountId = optionalText(query, 'account')
    const service = optionalText(query, 'service')
    return answered(
      statistics.recentCalls({
        limit: wholeNumber(query, limit(50)),
        ...(accountId === undefined ? {} : { accountId }),
        ...(service === undefined ? {} : { service }),
      }),
    )
  })
}

/** A store that is away is not a fault of the gateway: 503, and the page asks again. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw new GatewayError('store-unavailable', {
      sentence: 'A store of the statistics is away. /readyz tells which; try again when it is back.',
      retryAfterSeconds: 2,
      cause,
    })
  }
}
