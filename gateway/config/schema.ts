import Type from 'typebox'
import { Section } from './keys.ts'
import { cache } from './sections/caching.ts'
import { check } from './sections/check.ts'
import { identity } from './sections/identity.ts'
import { answers, login } from './sections/limiting.ts'
import { admin, listen } from './sections/listeners.ts'
import { mail } from './sections/mail.ts'
import { policies } from './sections/policies.ts'
import { routes } from './sections/routing.ts'
import { limits, log } from './sections/running.ts'
import { stores } from './sections/stores.ts'
import { upstreams } from './sections/upstreams.ts'
import { workers } from './sections/workers.ts'

/** The one description of the configuration file: keys, types, defaults, ranges and what each key means. */
export const configSchema = Section(
  {
    listen,
    admin,
    check: Type.Optional(check),
    stores,
    identity,
    mail,
    policies,
    login,
    answers,
    cache,
    upstreams,
    routes,
    limits,
    workers,
    log,
  },
  { description: 'Configuration of the Guichet gateway.' },
)

/** The file after defaults: durations still as written, policies and upstreams still by name. */
export type ConfigFile = Type.Static<typeof configSchema>
