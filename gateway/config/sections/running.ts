import Type from 'typebox'
import { Duration, Section } from '../keys.ts'

export const limits = Section(
  {
    maxBodyBytes: Type.Integer({
      description: 'Largest request body, in bytes.',
      default: 104_857_600,
      minimum: 1,
      maximum: 1_099_511_627_776,
    }),
    headersTimeout: Duration({
      description: 'The longest a client may take to send the head of a request.',
      default: '10s',
      least: '100ms',
      most: '10m',
    }),
    requestTimeout: Duration({
      description:
        'The longest a client may take to send a whole request to the gateway itself, and may be silent within a body on its way to an app or stand still within an answer.',
      default: '60s',
      least: '100ms',
      most: '1d',
    }),
    maxInFlight: Type.Integer({
      description:
        'Requests that may be under way at the same time in one process, streams included; more are answered 503. Each takes some 30 KB while it waits.',
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
    }),
    maxEventLoopLag: Duration({
      description: 'While the event loop runs later than this, requests are answered 503 at once.',
      default: '1s',
      least: '10ms',
      most: '1m',
    }),
    maxConnections: Type.Optional(
      Type.Integer({
        description:
          'Connections of callers that one process keeps at the same time; more are closed as they come. Leave room for files, stores and upstreams.',
        'x-default':
          'half of the files that the system still lets the process open when it has started, but for 16; 8 at least; 10,000 where it does not tell',
        minimum: 1,
        maximum: 10_000_000,
      }),
    ),
    drainTimeout: Duration({
      description: 'How long running requests may go on after a stop was asked for.',
      default: '10s',
      least: '1ms',
      most: '1h',
    }),
  },
  { description: 'Bounds on requests and on stopping.', default: {} },
)

export const log = Section(
  {
    level: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      description: 'The least important lines that are written.',
      default: 'info',
    }),
  },
  { description: 'The log on standard output.', default: {} },
)
