import { expect, it } from 'vitest'
import { isClaim } from './claims.ts'

it.each([
  'x-forwarded-user',
  'x_forwarded_user',
  'x.forwarded.user',
  'x-forwarded_user',
  'x-forwarded-anything-new',
  'forwarded',
  'x-user-id',
  'x_user_id',
  'x-guichet-assertion',
  'x_guichet_assertion',
  'x.guichet.assertion',
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-request-id',
  'traceparent',
  'remote_user',
  'x-real-ip',
])('%s is a claim that only the gateway may make', (name) => {
  expect(isClaim(name)).toBe(true)
})

it.each([
  'accept',
  'x-requested-with',
  'x-csrf-token',
  'user-agent',
  'referer',
  'te',
  'from',
  'x-api-key',
  'origin',
])('%s is the client’s own business', (name) => {
  expect(isClaim(name)).toBe(false)
})
