import Type from 'typebox'
import { Section } from '../keys.ts'

const port = (description: string, defaultPort: number) =>
  Type.Integer({ description, default: defaultPort, minimum: 0, maximum: 65_535 })

const addressHints = {
  'x-expected': 'an address or a network',
  'x-cure': 'write addresses or networks such as 10.0.0.0/8, separated by commas',
}

const tls = Section(
  {
    cert: Type.String({
      description: 'Path of a PEM file: the certificate, then its chain. Read again when it changes.',
    }),
    key: Type.String({ description: 'Path of a PEM file: the private key. Read again when it changes.' }),
    http2: Type.Boolean({
      description: 'Whether HTTP/2 is offered beside HTTP/1.1, on the same port.',
      default: true,
    }),
  },
  { description: 'TLS 1.2 and 1.3.', 'x-default': 'none: in clear, by HTTP/1.1' },
)

export const listen = Section(
  {
    host: Type.String({
      description:
        'IP address the gateway listens on; `::` is all of the machine, those of IPv4 too. Of a name, such as `localhost`, only the first address is taken.',
      default: '127.0.0.1',
    }),
    port: port('Port of the gateway; 0 takes a free one.', 8080),
    publicUrl: Type.Optional(
      Type.String({
        description: 'Where browsers reach the gateway: scheme, host and port, no path.',
        'x-default': '`http://localhost:PORT`, with TLS `https://localhost:PORT`',
      }),
    ),
    tls: Type.Optional(tls),
    trustedProxies: Type.Union([Type.String(addressHints), Type.Array(Type.String(addressHints))], {
      description:
        'Addresses or networks of the proxies in front of the gateway, separated by commas or as a list. Only their `X-Forwarded-*` are believed.',
      default: '',
    }),
  },
  { description: 'The listener that callers use.', default: {} },
)

export const admin = Section(
  {
    host: Type.String({
      description: 'IP address the admin listener binds to; of a name only the first address is taken.',
      default: '127.0.0.1',
    }),
    port: port('Port of the admin listener; 0 takes a free one.', 9090),
    token: Type.String({
      description: 'Bearer token of the admin API. Empty: one is made at start and printed.',
      default: '',
      'x-secret': 'whole',
    }),
  },
  { description: 'The listener for operators: metrics, health, statistics, administration.', default: {} },
)
