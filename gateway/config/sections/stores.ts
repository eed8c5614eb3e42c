import Type from 'typebox'
import { Duration, Section } from '../keys.ts'

export const stores = Section(
  {
    sessions: Type.String({
      description:
        'Sessions and windows: `embedded` (in the process), `redis://HOST:PORT/DB`, or `redis-cluster://HOST:PORT,HOST:PORT` with some nodes of a Redis Cluster. `rediss://…` and `rediss-cluster://…` for TLS. `redis-sentinel://HOST:PORT,HOST:PORT/MASTER/DB` follows the primary that these sentinels name; a password before `@` is that of the primary, the sentinels are asked without one.',
      default: 'embedded',
      pattern: '^(embedded$|rediss?(-cluster)?://|redis-sentinel://)',
      'x-expected': 'a store of sessions',
      'x-cure': 'write embedded, redis://HOST:6379/0 or redis-cluster://HOST:6379,HOST:6379',
      'x-secret': 'url',
    }),
    hits: Type.String({
      description:
        'Counted calls and logins: `embedded` (in memory), `sqlite:FILE`, `redis://HOST:PORT/DB`, `rediss://…` or `redis-sentinel://HOST:PORT,HOST:PORT/MASTER/DB`.',
      default: 'embedded',
      pattern: '^(embedded$|rediss?://|redis-sentinel://|sqlite:)',
      'x-expected': 'a store of hits',
      'x-cure': 'write embedded, sqlite:FILE or redis://HOST:6379/1',
      'x-secret': 'url',
    }),
    accounts: Type.String({
      description:
        'Accounts: `sqlite:FILE` or `mysql://USER:PASSWORD@HOST:3306/DATABASE` (MySQL or MariaDB).',
      default: 'sqlite:data/guichet.sqlite',
      pattern: '^(mysql://|sqlite:)',
      'x-expected': 'a store of accounts',
      'x-cure': 'write sqlite:FILE or mysql://USER:PASSWORD@HOST:3306/DATABASE',
      'x-secret': 'url',
    }),
    instances: Type.Integer({
      description:
        'How many gateways share these stores. While Redis is away, each gives out its part of a quota.',
      minimum: 1,
      maximum: 1_000,
      default: 1,
    }),
    deadline: Duration({
      description: 'The longest a request may wait for Redis.',
      default: '100ms',
      least: '10ms',
      most: '5s',
    }),
  },
  { description: 'Where sessions, hits and accounts are kept.', default: {} },
)
