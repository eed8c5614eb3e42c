import Type from 'typebox'
import { Name, Section } from '../keys.ts'

export const login = Section(
  {
    policies: Type.Array(Name('Name of a policy.'), {
      description:
        'Policies on logins: one by `account` counts successful logins alone, one by `address` or a header every attempt.',
      default: [],
    }),
  },
  { description: 'Limits on logging in.', default: {} },
)

const originHints = {
  'x-expected': 'an origin',
  'x-cure': 'write https://HOST, or "*" for any',
}

export const answers = Section(
  {
    partitionKeys: Type.Boolean({
      description:
        'Sends `pk` in `RateLimit-Policy`: a name for whose window it is, an HMAC that tells nobody else who.',
      default: false,
    }),
    legacyHeaders: Type.Boolean({
      description:
        'Sends `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds from now) of the tightest window too, for clients that know no others.',
      default: false,
    }),
    corsOrigins: Type.Union([Type.String(originHints), Type.Array(Type.String(originHints))], {
      description:
        'Origins whose scripts may read what the gateway itself answers (429, 401, `/quota`), separated by commas or as a list; `"*"`: any, without credentials. What the app answers is for the app to open.',
      default: '',
    }),
  },
  { description: 'What limited and admitted calls are told beyond the plain fields.', default: {} },
)
