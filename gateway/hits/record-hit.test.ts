import fastify from 'fastify'
import { expect, test } from 'vitest'
import type { Caller } from '../identity/account.ts'
import type { Journey } from '../journey.ts'
import type { Hit } from './hit.ts'
import { recordHit } from './record-hit.step.ts'

const connected: Caller = {
  ...{ kind: 'connected', accountId: '42', sessionId: 's', role: 'user', plan: null },
  ...{ email: 'a@example.org', firstName: 'Ada', lastName: 'L' },
}

const route = (service: string | null) => ({
  ...{ name: 'vente', path: '/services/vente', service, upstream: 'etuservices' },
  ...{
    access: 'connected' as const,
    crossSite: 'refuse' as const,
    policies: [],
    cost: 1,
    isCached: false,
    responseTimeoutMs: null,
  },
})

async function hitsOf(changes: Partial<Journey>, status = 200): Promise<Hit[]> {
  const recorded: Hit[] = []
  const app = fastify()
  app.decorateRequest('journey', null as unknown as Journey)
  app.addHook('onRequest', async (request) => {
    request.journey = {
      ...{ requestId: 'r', startedAtMs: performance.now(), path: '/services/vente', address: '192.0.2.1' },
      ...{
        caller: connected,
        decision: null,
        reportedCost: null,
        route: route('vente'),
        cache: null,
        filterAnswer: null,
        heldOpen: null,
      },
      ...{ upstreamStartedAtMs: performance.now(), upstreamDurationMs: 1, ...changes },
    }
  })
  const record = recordHit({
    recorder: { record: (hit) => recorded.push(hit) },
    now: () => 1_700_000_000_000,
  })
  app.addHook('onResponse', async (request, reply) => record(request, reply))
  app.get('/services/vente', (_, reply) => reply.code(status).send())
  await app.inject('/services/vente?code=secret')
  await app.close()
  return recorded
}

test('a forwarded call to a service is a hit, without its query', async () => {
  const [hit, ...others] = await hitsOf({}, 503)
  expect(others).toEqual([])
  expect(hit).toMatchObject({
    ...{ accountId: '42', service: 'vente', method: 'GET', path: '/services/vente', status: 503 },
  })
  expect(hit?.atMs).toBeGreaterThan(1_699_999_999_000)
  expect(hit?.atMs).toBeLessThanOrEqual(1_700_000_000_000)
})

test('an anonymous call on a public route is counted without an account', async () => {
  expect(await hitsOf({ caller: { kind: 'anonymous' } })).toMatchObject([{ accountId: null }])
})

test('a call that was not forwarded, or has no service, is no hit', async () => {
  expect(await hitsOf({ upstreamStartedAtMs: null })).toEqual([])
  expect(await hitsOf({ route: route(null) })).toEqual([])
  expect(await hitsOf({ route: null })).toEqual([])
})
