import Type from 'typebox'
import { Section } from '../keys.ts'

const pointerPattern = '(/([^~/]|~[01])+)+'

function Pointer(description: string) {
  return {
    description,
    pattern: `^${pointerPattern}$`,
    'x-expected': 'a JSON pointer',
    'x-cure': 'write /user/password for {"user": {"password": …}}',
  }
}

function Place(description: string) {
  return {
    description,
    pattern: `^(${pointerPattern}|header:[!#$%&'*+.^_\`|~0-9A-Za-z-]+)$`,
    'x-expected': 'a place in an answer',
    'x-cure': 'write /user/id for {"user": {"id": …}}, or header:NAME',
  }
}

export const delegate = Section(
  {
    path: Type.String({ description: 'Path of the login. A public route must cover it.' }),
    method: Type.Enum(['POST', 'PUT'], { description: 'Method of the login.', default: 'POST' }),
    account: Type.String({
      ...Pointer(
        'Where the request names the account, in JSON or, as /NAME, in a form; delays and limits go by it.',
      ),
      default: '/email',
    }),
    success: Section(
      {
        status: Type.Integer({
          description: 'Status of the answer to a login that succeeds.',
          minimum: 200,
          maximum: 399,
          default: 200,
        }),
      },
      { description: 'How an accepted login is recognised.', default: {} },
    ),
    subject: Type.String(
      Place(
        'Id of who has logged in: a JSON pointer into the answer, or `header:NAME`. Without it nobody has.',
      ),
    ),
    email: Type.Optional(
      Type.String({
        ...Place('Their e-mail. The account with it is theirs, and is made when there is none.'),
        'x-default': '`SUBJECT@delegate.invalid`',
      }),
    ),
    firstName: Type.Optional(Type.String({ ...Place('Their first name.'), 'x-default': 'none' })),
    lastName: Type.Optional(Type.String({ ...Place('Their last name.'), 'x-default': 'none' })),
    redact: Type.Array(Type.String(Pointer('JSON pointer into the answer.')), {
      description: 'What is taken out of the answer before it leaves.',
      default: [],
    }),
    logout: Type.Array(Type.String({ description: 'Path of a logout.' }), {
      description: 'Paths, of any method, that end the session when the app answers below 400.',
      default: [],
    }),
  },
  {
    description:
      'The login of an app that keeps its own: it is forwarded, and what the app answers opens a session here too.',
  },
)
