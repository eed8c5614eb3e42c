import Type from 'typebox'
import { durationPattern } from './duration.ts'

/**
 * What the schema says about one key beyond JSON Schema. The loader, the JSON Schema for editors and REFERENCE.md
 * all read these, so that nothing is said twice.
 */
export interface Hints {
  /** A duration, and the range it must lie in, as one would write it: `10ms`, `400d`. */
  'x-duration'?: { least: string; most: string }
  /** What a value of this key is, after "is not": "a policy name". */
  'x-expected'?: string
  /** What to write instead. */
  'x-cure'?: string
  /** `whole`: never shown. `url`: shown without user name and password. */
  'x-secret'?: 'whole' | 'url'
  /** The default, in words, where it depends on other keys. */
  'x-default'?: string
}

/** The parts of a TypeBox schema that the loader and the generators walk over. */
export interface SchemaView extends Hints {
  type?: string
  description?: string
  default?: unknown
  properties?: Record<string, SchemaView>
  patternProperties?: Record<string, SchemaView>
  required?: string[]
  items?: SchemaView
  anyOf?: SchemaView[]
  enum?: string[]
  minimum?: number
  maximum?: number
  pattern?: string
}

interface DurationOptions {
  description: string
  default?: string
  'x-default'?: string
  least: string
  most: string
}

/** A duration written with its unit; a bare number is refused, because nobody can tell its unit. */
export function Duration({ least, most, ...options }: DurationOptions) {
  return Type.String({ ...options, pattern: durationPattern, 'x-duration': { least, most } })
}

/** Names end up in `RateLimit-Policy`, metrics labels and URLs: a lower-case structured-field token. */
export const namePattern = '^[a-z][a-z0-9-]{0,63}$'

const nameHints = {
  'x-expected': 'a name',
  'x-cure': 'write 1 to 64 lower-case letters, digits and "-", a letter first',
} as const

/** A reference to something named elsewhere in the file. */
export function Name(description: string) {
  return Type.String({ description, pattern: namePattern, ...nameHints })
}

/** A map from names to `entry`. */
export function Named<Entry extends Type.TSchema>(
  entry: Entry,
  options: { description: string; default?: object },
) {
  return Type.Record(Type.String({ pattern: namePattern }), entry, {
    ...options,
    additionalProperties: false,
    ...nameHints,
  })
}

/** A section, or an entry of a map or list; keys it does not name are refused. */
export function Section<Keys extends Type.TProperties>(
  keys: Keys,
  options: { description: string; default?: object; 'x-default'?: string },
) {
  return Type.Object(keys, { ...options, additionalProperties: false })
}
