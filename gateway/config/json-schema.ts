import type { Hints, SchemaView } from './keys.ts'
import { configSchema } from './schema.ts'

const substitution = {
  type: 'string',
  pattern: '\\$\\{[A-Za-z_]\\w*(:-[^}]*)?\\}',
  description: `Taken from the environment: \${NAME} or \${NAME:-value}.`,
}

/**
 * The schema of the file as people write it, for editors: durations with their unit, keys with a default may be
 * left out, and any single value may come from the environment.
 */
export function jsonSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'gateway.yaml',
    ...forFile(configSchema as SchemaView, 'gateway.yaml'),
  }
}

function forFile(schema: SchemaView, title: string): object {
  const { properties, patternProperties, items, anyOf, required, ...rest } = withoutHints(schema)
  if (properties) {
    const needed = required?.filter((key) => properties[key]?.default === undefined)
    return {
      title,
      ...rest,
      ...(needed?.length && { required: needed }),
      properties: eachForFile(properties),
    }
  }
  if (patternProperties) return { title, ...rest, patternProperties: eachForFile(patternProperties) }
  if (items) return { title, ...rest, items: forFile(items, title) }
  if (anyOf) return { title, ...rest, anyOf: anyOf.map((branch) => forFile(branch, title)) }
  const { description, default: standard, ...check } = rest
  const isAnyText = check.type === 'string' && check.pattern === undefined
  return {
    title,
    ...(description && { description }),
    ...(standard !== undefined && { default: standard }),
    ...(isAnyText ? check : { anyOf: [check, substitution] }),
  }
}

function eachForFile(schemas: Record<string, SchemaView>): object {
  return Object.fromEntries(
    Object.entries(schemas).map(([key, schema]) => [
      key,
      forFile(schema, key.startsWith('^') ? 'NAME' : key),
    ]),
  )
}

function withoutHints(schema: SchemaView): Omit<SchemaView, keyof Hints> {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !key.startsWith('x-'))) as SchemaView
}
