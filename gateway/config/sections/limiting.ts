import Type from 'typebox'
import { Duration, Name, Named, Section } from '../keys.ts'

const policy = Section(
  {
    quota: Type.Integer({
      description: 'How many calls pass in any window of `per`.',
      minimum: 1,
      maximum: 1_000_000,
    }),
    per: Duration({ description: 'Length of the sliding window.', least: '1ms', most: '400d' }),
    by: Type.Enum(['user', 'address', 'account'], {
      description:
        'Whose calls share a window: the connected user (the address while nobody is connected), the client address, or the account named at login.',
      default: 'user',
    }),
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

export const login = Section(
  {
    policies: Type.Array(Name('Name of a policy.'), {
      description: 'Policies that count attempts to log in, `by: account` or `by: address`.',
      default: [],
    }),
  },
  { description: 'Limits on logging in.', default: {} },
)

export const answers = Section(
  {
    partitionKeys: Type.Boolean({
      description:
        'Sends `pk` in `RateLimit-Policy`: a name for whose window it is, an HMAC that tells nobody else who.',
      default: false,
    }),
  },
  { description: 'What limited and admitted calls are told beyond the plain fields.', default: {} },
)
