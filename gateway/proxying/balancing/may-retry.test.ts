import { expect, it } from 'vitest'
import type { RequestBody } from '../request-body.ts'
import { mayRetry } from './may-retry.ts'

const body = {} as RequestBody
const unsent = { wasSent: false, hasInformed: false }
const sent = { wasSent: true, hasInformed: false }

it.each(['GET', 'POST', 'PATCH'])('%s that was not sent goes elsewhere, body and all', (method) => {
  expect(mayRetry(unsent, { method, body }, 'unreachable')).toBe('yes')
})

it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])(
  '%s that was sent is sent again within the budget',
  (method) => {
    expect(mayRetry(sent, { method, body: null }, 'lost')).toBe('within-budget')
  },
)

it.each([
  ['POST that was sent', sent, { method: 'POST', body: null }, 'lost'],
  ['PATCH that was sent', sent, { method: 'PATCH', body: null }, 'lost'],
  ['a body that was sent', sent, { method: 'PUT', body }, 'lost'],
  [
    'an interim answer that the client has seen',
    { ...sent, hasInformed: true },
    { method: 'GET', body: null },
    'lost',
  ],
  ['an answer that is late', sent, { method: 'GET', body: null }, 'slow'],
  ['an answer that is no HTTP', sent, { method: 'GET', body: null }, 'broken'],
  ['what is the caller’s own fault', unsent, { method: 'GET', body: null }, null],
] as const)('%s is never sent again', (_, failure, request, fault) => {
  expect(mayRetry(failure, request, fault)).toBe('no')
})
