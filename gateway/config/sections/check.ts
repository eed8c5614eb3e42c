import Type from 'typebox'
import { Name, Section } from '../keys.ts'

export const check = Section(
  {
    host: Type.String({
      description:
        'IP address it listens on; of a name only the first address is taken. One that others can reach needs a token.',
      default: '127.0.0.1',
    }),
    port: Type.Integer({ description: 'Its port; 0 takes a free one.', minimum: 0, maximum: 65_535 }),
    policy: Name('The policy, `by: user`, on which every check counts one call.'),
    token: Type.String({
      description: 'Bearer token that programs must send. Empty: none.',
      default: '',
      'x-secret': 'whole',
    }),
  },
  {
    description:
      'A listener with `POST /can_user_connect {"user_id": "42"}`, for programs that ask before they serve. Left out: none.',
  },
)
