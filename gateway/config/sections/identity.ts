import Type from 'typebox'
import { Duration, Section } from '../keys.ts'
import { delegate } from './delegate.ts'
import { issuers } from './issuers.ts'

export const identity = Section(
  {
    keysDirectory: Type.String({
      description: 'Directory of the signing keys; made at the first start.',
      default: 'data/keys',
      pattern: '.',
      'x-expected': 'a directory',
      'x-cure': 'name a directory the gateway may write to',
    }),
    rotateKeysEvery: Type.Optional(
      Duration({
        description: 'How often a new signing key takes over by itself.',
        least: '1h',
        most: '400d',
        'x-default': 'only when told, by `guichet keys rotate`',
      }),
    ),
    accessTokenLifetime: Duration({
      description: 'How long an access token is accepted.',
      default: '15m',
      least: '10s',
      most: '1d',
    }),
    sessionLifetime: Duration({
      description: 'How long a session lives after login, however much it is used.',
      default: '12h',
      least: '1m',
      most: '400d',
    }),
    idleLifetime: Type.Optional(
      Duration({
        description:
          'How long a session that is not used lives; each refresh of its tokens is a use. Longer than `accessTokenLifetime`.',
        'x-default': '`2h`, or twice `accessTokenLifetime` when that is longer, within `sessionLifetime`',
        least: '1m',
        most: '400d',
      }),
    ),
    refreshGrace: Duration({
      description:
        'How long the refresh token before the current one still gets the same answer, for two tabs at once and for answers lost on the way; `0s`: not at all.',
      default: '10s',
      least: '0s',
      most: '60s',
    }),
    issuer: Type.Optional(
      Type.String({ description: '`iss` of the access tokens.', 'x-default': '`listen.publicUrl`' }),
    ),
    audience: Type.String({
      description: '`aud` of the access tokens.',
      default: 'guichet',
      pattern: '.',
      'x-expected': 'an audience',
      'x-cure': 'name who the tokens are for, such as guichet',
    }),
    issuers,
    registration: Type.Enum(['open', 'closed'], {
      description:
        'Whether people may create their own accounts; `open` needs `mail`. `closed`: administrators create them.',
      default: 'open',
    }),
    secureCookies: Type.Optional(
      Type.Boolean({
        description: 'Whether cookies are sent over https only.',
        'x-default': '`true` exactly when `listen.publicUrl` is https',
      }),
    ),
    delegate: Type.Optional(delegate),
  },
  { description: 'Tokens, sessions and cookies.', default: {} },
)
