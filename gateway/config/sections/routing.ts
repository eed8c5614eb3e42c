import Type from 'typebox'
import { Duration, Name, namePattern, Section } from '../keys.ts'

const route = Section(
  {
    path: Type.String({
      description:
        'Prefix in whole segments, matched without regard to case: `/api` covers `/api/7`, not `/apis`.',
    }),
    name: Type.Optional(
      Type.String({
        description: 'Label of the route in metrics and the log.',
        pattern: '^[^\\u0000-\\u001f"\\\\]{1,100}$',
        'x-expected': 'a label',
        'x-cure': 'write 1 to 100 characters without quotes or backslashes',
        'x-default': 'its path',
      }),
    ),
    service: Type.Optional(
      Type.String({
        description: 'Service under which the calls are counted in the statistics.',
        pattern: namePattern,
        'x-expected': 'a service name',
        'x-cure': 'write 1 to 64 lower-case letters, digits and "-", a letter first',
        'x-default': 'not counted',
      }),
    ),
    upstream: Name('Name of the upstream that answers.'),
    responseTimeout: Type.Optional(
      Duration({
        description: 'The longest wait for the head of an answer.',
        'x-default': "the upstream's",
        least: '1ms',
        most: '1d',
      }),
    ),
    access: Type.Enum(['public', 'connected'], {
      description: '`public` lets anyone through, `connected` wants a session.',
      default: 'connected',
    }),
    crossSite: Type.Enum(['refuse', 'allow'], {
      description:
        'Calls that a page of another site makes a browser send under our session cookie, reading ones aside: `refuse` answers 403, `allow` is for routes that take forms from elsewhere, such as the return from a payment. Bearer tokens, callers without a session and listed `answers.corsOrigins` always pass.',
      default: 'refuse',
    }),
    policies: Type.Array(Name('Name of a policy.'), {
      description: 'Policies that must all have room for a call to pass.',
      default: [],
    }),
    cost: Type.Integer({
      description: 'Places that a call takes in each of its windows.',
      minimum: 1,
      maximum: 10_000,
      default: 1,
    }),
    cache: Type.Boolean({
      description:
        'Whether answers are kept and given again, where the app allows it by Cache-Control or Expires: to everyone when it says `public`, else only to the caller who asked.',
      default: false,
    }),
  },
  { description: 'Where calls under a path go.' },
)

export const routes = Type.Array(route, { description: 'The routes; the longest matching path wins.' })
