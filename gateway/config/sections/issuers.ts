import Type from 'typebox'
import { Duration, Named, Section } from '../keys.ts'

export const algorithms = [
  'EdDSA',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'HS256',
  'HS384',
  'HS512',
] as const

const claimHints = {
  pattern: '.',
  'x-expected': 'a claim',
  'x-cure': 'name a claim, such as sub, or write /a/b for the member b of claim a',
} as const

const claim = (description: string, standard: string) =>
  Type.String({ ...claimHints, description, default: standard })

const claims = Section(
  {
    account: claim('Who it is: the part of the account id behind `NAME:`.', 'sub'),
    email: claim('The e-mail address.', 'email'),
    name: claim('The whole name, where there is neither of the next two.', 'name'),
    firstName: claim('The first name.', 'given_name'),
    lastName: claim('The last name.', 'family_name'),
    role: Type.Optional(
      Type.String({
        ...claimHints,
        description: 'A role or a list of them; `admin` is one, everything else is `user`.',
        'x-default': 'everyone is a `user`',
      }),
    ),
    plan: Type.Optional(
      Type.String({ ...claimHints, description: 'The plan, for `quotas`.', 'x-default': 'no plan' }),
    ),
  },
  { description: 'Which claims say what; `/a/b` is the member `b` of claim `a`.', default: {} },
)

const issuer = Section(
  {
    issuer: Type.String({
      description: '`iss` of its tokens, exactly as they have it.',
      pattern: '.',
      'x-expected': 'an issuer',
      'x-cure': 'copy the `iss` of one of its tokens',
    }),
    audience: Type.String({
      description: 'What `aud` must be or contain.',
      pattern: '.',
      'x-expected': 'an audience',
      'x-cure': 'name whom the issuer makes its tokens for, such as guichet',
    }),
    algorithms: Type.Array(Type.Enum([...algorithms], { description: 'An algorithm it signs with.' }), {
      description: 'The algorithms it signs with; all others are refused. `HS…` goes with a secret alone.',
    }),
    jwksUrl: Type.Optional(
      Type.String({
        description:
          'Where its public keys are: https, or http on this machine. Fetched again every 10 minutes.',
        pattern: '^https?://',
        'x-expected': 'an http or https URL',
        'x-cure': 'write https://HOST/PATH',
        'x-secret': 'url',
        'x-default': 'one of `jwksUrl`, `publicKey` and `secret` is needed',
      }),
    ),
    publicKey: Type.Optional(
      Type.String({ description: 'PEM file of its public key.', pattern: '.', 'x-default': 'see `jwksUrl`' }),
    ),
    secret: Type.Optional(
      Type.String({
        description: 'What it shares with us, at least 32 characters.',
        'x-secret': 'whole',
        'x-default': 'see `jwksUrl`',
      }),
    ),
    leeway: Duration({
      description: 'How far its clock may be from ours.',
      default: '5s',
      least: '0s',
      most: '1m',
    }),
    claims,
  },
  { description: 'Somebody else whose bearer tokens are believed.' },
)

export const issuers = Named(issuer, {
  description: 'Other issuers of tokens, by the name that their account ids begin with.',
  default: {},
})
