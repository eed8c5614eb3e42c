import type { FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import { createRouteMatcher } from './match-route.ts'
import type { Route } from './route.ts'

/** Step 2: which route is this? 404 when none covers the path. */
export function matchRoute(routes: readonly Route[]) {
  const find = createRouteMatcher(routes)
  return function matchRoute({ journey }: FastifyRequest): void {
    journey.route = find(journey.path)
    if (journey.route === null) throw new GatewayError('not-found')
  }
}
