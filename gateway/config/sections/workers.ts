import Type from 'typebox'

const hints = {
  'x-expected': 'auto or a number of processes',
  'x-cure': 'write a number from 1 to 256, or auto',
} as const

export const workers = Type.Union(
  [
    Type.String({ pattern: '^(auto|[1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-6])$', ...hints }),
    Type.Integer({ minimum: 1, maximum: 256 }),
  ],
  {
    description:
      'Processes that serve side by side; `auto`: one for each processor. What is kept in the process (`stores.sessions` or `stores.hits: embedded`, `cache.home: embedded` with a route that has a cache) allows for one only.',
    default: '1',
  },
)
