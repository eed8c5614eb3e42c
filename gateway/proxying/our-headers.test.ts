import { expect, it } from 'vitest'
import { addOurs, addVia } from './our-headers.ts'
import type { HeaderFields } from './send-http.ts'

function merged(theirs: HeaderFields, ours: Record<string, string | string[]>): HeaderFields {
  addOurs(theirs, ours)
  return theirs
}

it('what we say counts', () => {
  expect(merged({ 'x-request-id': 'app', etag: '"1"' }, { 'x-request-id': 'ours' })).toEqual({
    'x-request-id': 'ours',
    etag: '"1"',
  })
})

it('lists of both are joined', () => {
  expect(
    merged(
      { ratelimit: '"app";r=1;t=9', vary: 'Accept', 'set-cookie': ['a=1', 'b=2'] },
      { ratelimit: '"calls";r=2;t=3', vary: 'Origin', 'set-cookie': 'c=3' },
    ),
  ).toEqual({
    ratelimit: '"calls";r=2;t=3, "app";r=1;t=9',
    vary: 'Origin, Accept',
    'set-cookie': ['a=1', 'b=2', 'c=3'],
  })
})

const legacy = (limit: string, remaining: string, reset: string) => ({
  'x-ratelimit-limit': limit,
  'x-ratelimit-remaining': remaining,
  'x-ratelimit-reset': reset,
})

it.each([
  ['theirs when it is tighter', legacy('5', '1', '60'), legacy('10', '9', '600'), legacy('5', '1', '60')],
  ['ours when it is tighter', legacy('50', '40', '60'), legacy('10', '9', '600'), legacy('10', '9', '600')],
  [
    'ours when theirs has no number',
    { 'x-ratelimit-limit': '5' },
    legacy('10', '9', '600'),
    legacy('10', '9', '600'),
  ],
])('of two limits in the older convention, which has no lists, all of %s', (_, theirs, ours, expected) => {
  expect(merged({ ...theirs }, ours)).toEqual(expected)
})

it('Via grows at its end', () => {
  const headers: HeaderFields = {}
  addVia(headers, '1.0')
  addVia(headers, '1.1')
  expect(headers.via).toBe('1.0 guichet, 1.1 guichet')
})
