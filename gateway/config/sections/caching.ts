import Type from 'typebox'
import { Section } from '../keys.ts'

export const cache = Section(
  {
    home: Type.String({
      description:
        'Where answers are kept: `embedded` (in each process), or `redis://HOST:PORT/DB`, `rediss://…` or `redis-sentinel://HOST:PORT,HOST:PORT/MASTER/DB` for all gateways together. Give it a Redis of its own, with `maxmemory` and `maxmemory-policy allkeys-lru`: one that is full of answers has no room for windows.',
      default: 'embedded',
      pattern: '^(embedded$|rediss?://|redis-sentinel://)',
      'x-expected': 'a store of answers',
      'x-cure': 'write embedded or redis://HOST:6379/2',
      'x-secret': 'url',
    }),
    maxBytes: Type.Integer({
      description: 'Bytes that embedded answers may take together. A Redis has its own `maxmemory`.',
      default: 67_108_864,
      minimum: 1_048_576,
      maximum: 68_719_476_736,
    }),
    maxEntryBytes: Type.Integer({
      description: 'Largest answer that is kept, headers included, in bytes.',
      default: 1_048_576,
      minimum: 1_024,
      maximum: 67_108_864,
    }),
  },
  { description: 'Answers of routes with `cache: true`.', default: {} },
)
