import Type from 'typebox'
import { planPattern } from '../../identity/account.ts'
import { Duration, Named, Section } from '../keys.ts'

const quota = (description: string) => Type.Integer({ description, minimum: 1, maximum: 1_000_000_000 })

const keyHints = {
  pattern: '^(user|address|account|role|header:.*)$',
  'x-expected': 'one of user, address, account, role, header:NAME',
  'x-cure': 'write one of user, address, account, role, header:NAME',
} as const

const refundHints = {
  'x-expected': 'one of 502, 503, 504, aborted, cached',
  'x-cure': 'write one of 502, 503, 504, aborted, cached',
} as const

const ban = Section(
  {
    afterDenials: Type.Integer({
      description: 'Denials within `per` that lead to a ban.',
      minimum: 1,
      maximum: 1_000_000,
    }),
    for: Duration({
      description: 'Length of the first ban; each further one lasts twice as long.',
      default: '1m',
      least: '1s',
      most: '400d',
    }),
    atMost: Duration({ description: 'The longest ban.', default: '1d', least: '1s', most: '400d' }),
  },
  {
    description: 'Bans a caller who goes on after many denials, for growing times.',
    'x-default': 'nobody is banned',
  },
)

const policy = Section(
  {
    quota: quota('How many calls pass in any window of `per`; for `concurrent`, how many run at once.'),
    per: Type.Optional(
      Duration({
        description:
          'Length of the sliding window; for `concurrent`, how long a call may count as running at most.',
        least: '1ms',
        most: '400d',
        'x-default': 'required; `1m` for `concurrent`',
      }),
    ),
    algorithm: Type.Enum(['log', 'counter', 'gcra', 'concurrent'], {
      description:
        'How calls are counted: exactly (`log`), with two numbers for very large quotas and an error of a few percent (`counter`), evenly spaced after a burst (`gcra`), or those that run at once (`concurrent`).',
      default: 'log',
    }),
    burst: Type.Optional(
      Type.Integer({
        description: 'For `gcra`: calls that may come at once.',
        minimum: 1,
        maximum: 1_000_000_000,
        'x-default': 'the quota',
      }),
    ),
    quotas: Type.Record(
      Type.String({ pattern: planPattern }),
      quota('Quota of the callers with this plan or role.'),
      {
        description: "Quotas by plan or role. A plan's wins over a role's, and both over `quota`.",
        default: {},
        additionalProperties: false,
        'x-expected': 'a plan or a role',
        'x-cure': 'write 1 to 64 letters, digits, ".", "_" and "-", a letter or digit first',
      },
    ),
    by: Type.Union([Type.String(keyHints), Type.Array(Type.String(keyHints))], {
      description:
        'Whose calls share a window: the connected `user` (the address while nobody is connected), the client `address`, the `account` named at login, the `role`, or the value of a request header (`header:NAME`). A list of up to four: each combination has its own.',
      default: 'user',
    }),
    whenKeyIsMissing: Type.Optional(
      Type.Enum(['deny', 'address', 'skip'], {
        description:
          'What happens to a call without the header of `by`: refused with 400 (`deny`), counted by address (`address`), or not counted (`skip`).',
        'x-default': '`address`',
      }),
    ),
    scope: Type.Enum(['policy', 'route', 'service'], {
      description:
        'Which calls share a window beyond that: all that the policy counts (`policy`), or those of each route or each service alone.',
      default: 'policy',
    }),
    costHeader: Type.Optional(
      Type.String({
        description:
          'Response header in which the app says how many places the call has cost; the caller does not see it.',
        'x-default': 'none',
      }),
    ),
    countsDenied: Type.Boolean({
      description: 'Whether denied calls count too: who goes on calling then waits longer.',
      default: false,
    }),
    refund: Type.Array(
      Type.Union(
        [Type.String({ pattern: '^(50[234]|aborted|cached)$' }), Type.Integer({ enum: [502, 503, 504] })],
        {
          description: 'An outcome.',
          ...refundHints,
        },
      ),
      {
        description:
          'Outcomes after which a call is given back: a status of 502, 503 or 504, `aborted` (the caller left before the end), `cached` (the app was not asked).',
        default: [],
      },
    ),
    mode: Type.Optional(
      Type.Enum(['enforce', 'shadow'], {
        description: '`shadow` observes only: the metrics and the log tell what it would deny.',
        'x-default': '`enforce`',
      }),
    ),
    enforcePercent: Type.Optional(
      Type.Integer({
        description: 'Of 100 callers, how many it is enforced for, always the same; the others are observed.',
        minimum: 0,
        maximum: 100,
        'x-default': '`100`',
      }),
    ),
    ban: Type.Optional(ban),
    whenStoreIsDown: Type.Enum(['local', 'open', 'closed'], {
      description:
        'What happens while Redis is away: count in this process (`local`), let everything pass (`open`), refuse with 503 (`closed`).',
      default: 'local',
    }),
  },
  { description: 'At most `quota` calls in any window of `per`.' },
)

export const policies = Named(policy, {
  description: 'The limits, by name. The name appears in `RateLimit-Policy`.',
  default: {},
})
