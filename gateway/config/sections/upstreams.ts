import Type from 'typebox'
import { Duration, Named, Section } from '../keys.ts'

const originOptions = {
  pattern: '^https?://',
  'x-expected': 'an http or https URL',
  'x-cure': 'write http://HOST:PORT',
  'x-secret': 'url',
} as const

const target = Section(
  {
    url: Type.String({
      description: 'Where it listens: `http://HOST:PORT` or `https://…`, no path.',
      ...originOptions,
    }),
    weight: Type.Integer({
      description: 'Its share of the calls, beside those of the others.',
      minimum: 1,
      maximum: 1_000,
      default: 1,
    }),
  },
  { description: 'One server of the web app.' },
)

const probe = Section(
  {
    path: Type.String({
      description: 'What is asked, by GET, of each target.',
      pattern: '^/[^\\s#]*$',
      'x-expected': 'a path',
      'x-cure': 'write a path that begins with /, such as /health',
    }),
    every: Duration({ description: 'How often.', default: '5s', least: '100ms', most: '1h' }),
    timeout: Duration({
      description: 'The longest wait for the answer.',
      default: '2s',
      least: '10ms',
      most: '1m',
    }),
    healthyAfter: Type.Integer({
      description: 'Good answers in a row that bring a target back.',
      minimum: 1,
      maximum: 100,
      default: 2,
    }),
    unhealthyAfter: Type.Integer({
      description: 'Bad or missing answers in a row that take a target out.',
      minimum: 1,
      maximum: 100,
      default: 3,
    }),
    status: Type.String({
      description: 'Statuses of a good answer: one, or the first and the last.',
      default: '200-399',
      pattern: '^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$',
      'x-expected': 'a status or a range of statuses',
      'x-cure': 'write 200 or 200-399',
    }),
  },
  {
    description: 'Asks every target whether it is well, also while nobody calls.',
    'x-default': 'targets are not probed',
  },
)

const eject = Section(
  {
    failures: Type.Integer({
      description:
        'Calls in a row that the target did not answer with HTTP in time; an answer of 500 is one all the same.',
      minimum: 1,
      maximum: 1_000,
      default: 5,
    }),
    for: Duration({
      description: 'How long; then a single call finds out whether it is back.',
      default: '10s',
      least: '100ms',
      most: '1h',
    }),
  },
  {
    description: 'When a target that fails gets no calls. The only target of an upstream always does.',
    default: {},
  },
)

const retries = Section(
  {
    attempts: Type.Integer({
      description:
        'How often a call that was sent and not answered is sent again, each time to another target: GET, HEAD, OPTIONS, PUT and DELETE without a body only. The only target is asked again when the call was lost on a connection that had carried others. A call that could not be sent always goes to another target.',
      minimum: 0,
      maximum: 10,
      default: 1,
    }),
    budget: Type.String({
      description:
        'The most of the recent calls that may be sent again, so that a failing app is not asked twice as often.',
      default: '10%',
      pattern: '^([0-9]|[1-9][0-9]|100)%$',
      'x-expected': 'a percentage from 0% to 100%',
      'x-cure': 'write a whole number and %, such as 10%',
    }),
  },
  { description: 'Calls that are sent again.', default: {} },
)

const upstream = Section(
  {
    url: Type.Optional(
      Type.String({
        description:
          'Where the web app listens, when it is one server: `http://HOST:PORT` or `https://…`, no path.',
        ...originOptions,
        'x-default': 'see `targets`',
      }),
    ),
    targets: Type.Optional(
      Type.Array(target, {
        description: 'Its servers, when there are several, instead of `url`.',
        'x-default': 'see `url`',
      }),
    ),
    balance: Type.Enum(['round-robin', 'least-busy', 'consistent'], {
      description:
        'Which target a call goes to: `round-robin` takes turns by weight; `least-busy` takes the better of two, by latency and calls that run; `consistent` keeps a user at one target.',
      default: 'round-robin',
    }),
    hashBy: Type.Optional(
      Type.String({
        description:
          'What `consistent` keeps at one target: `user`, `address` or `header:NAME`. The address stands in for who has no session and for a missing header.',
        pattern: "^(user|address|header:[A-Za-z0-9!#$%&'*+.^_`|~-]+)$",
        'x-expected': 'user, address or header:NAME',
        'x-cure': 'write user, address or header:NAME',
        'x-default': '`user`',
      }),
    ),
    maxConnections: Type.Integer({
      description: 'Connections to each target, which is as many calls at once; WebSockets are not counted.',
      minimum: 1,
      maximum: 65_535,
      default: 256,
    }),
    maxQueue: Type.Integer({
      description:
        'Calls that wait for a connection to each target; beyond, another target is taken, else the answer is 503.',
      minimum: 0,
      maximum: 1_000_000,
      default: 1_024,
    }),
    probe: Type.Optional(probe),
    eject,
    retries,
    slowStart: Duration({
      description:
        'How long a target that came back takes to reach its weight; not for `consistent`. `0s`: no time.',
      default: '0s',
      least: '0s',
      most: '1h',
    }),
    connectTimeout: Duration({
      description: 'The longest wait for a connection.',
      default: '2s',
      least: '1ms',
      most: '5m',
    }),
    responseTimeout: Duration({
      description: 'The longest wait for the head of an answer.',
      default: '30s',
      least: '1ms',
      most: '1d',
    }),
    idleTimeout: Duration({
      description: 'The longest silence between two parts of an answer.',
      default: '5m',
      least: '1ms',
      most: '1d',
    }),
    ca: Type.Optional(
      Type.String({
        description: 'PEM file of the authority that signed the certificate of an https upstream.',
        'x-default': 'the authorities Node trusts',
      }),
    ),
  },
  { description: 'A web app behind the gateway.' },
)

export const upstreams = Named(upstream, { description: 'The web apps behind the gateway, by name.' })
