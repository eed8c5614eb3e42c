import type { FastifyRequest } from 'fastify'
import { expect, it } from 'vitest'
import { refuseCrossSiteCalls } from './refuse-cross-site.step.ts'

const judge = refuseCrossSiteCalls({ trustedOrigins: ['https://shop.example'] })
const handshake = (origin: string, kind: 'connected' | 'anonymous' = 'connected') =>
  ({
    headers: { host: 'app.example', upgrade: 'websocket', origin },
    journey: { caller: { kind }, route: { crossSite: 'refuse' } },
  }) as unknown as FastifyRequest

it('a WebSocket that a foreign page opens with our cookie is refused (C17)', () => {
  expect(() => judge(handshake('https://evil.example'), 'GET')).toThrow('another site')
})

it('a WebSocket of our own pages, of a listed origin, or without our session passes', () => {
  judge(handshake('https://app.example'), 'GET')
  judge(handshake('https://shop.example'), 'GET')
  judge(handshake('https://evil.example', 'anonymous'), 'GET')
})
