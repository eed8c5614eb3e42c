import Type from 'typebox'
import { Name, Section } from '../keys.ts'

export const login = Section(
  {
    policies: Type.Array(Name('Name of a policy.'), {
      description: 'Policies that count attempts to log in, by `account`, `address` or a header.',
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
