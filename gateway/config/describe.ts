import { distance } from 'fastest-levenshtein'
import { parseDurationMs } from './duration.ts'
import type { SchemaView } from './keys.ts'

/** What a value of this schema looks like, to stand after "is not" and in REFERENCE.md. */
export function describeType(schema: SchemaView): string {
  if (schema['x-expected'] && schema.type !== 'object') return schema['x-expected']
  const duration = schema['x-duration']
  if (duration) return `a duration from ${duration.least} to ${duration.most}`
  if (schema.enum) return `one of ${schema.enum.join(', ')}`
  if (schema.anyOf) return schema.anyOf.map(describeType).join(', or ')
  if (schema.type === 'array') return schema.items?.['x-expected'] === 'a name' ? 'a list of names' : 'a list'
  if (schema.type === 'integer') return `a whole number from ${schema.minimum} to ${schema.maximum}`
  if (schema.type === 'boolean') return 'true or false'
  return schema.type === 'object' ? 'a map' : 'text'
}

/** Why `value` does not fit this scalar schema and what to write instead, or undefined when it fits. */
export function checkScalar(
  schema: SchemaView,
  value: unknown,
): { message: string; cure: string } | undefined {
  const misfit = { message: `not ${describeType(schema)}`, cure: cureOf(schema, value) }
  if (schema['x-duration']) return checkDuration(schema['x-duration'], value) ? undefined : misfit
  if (schema.enum) return schema.enum.includes(value as string) ? undefined : misfit
  if (schema.type === 'boolean') return typeof value === 'boolean' ? undefined : misfit
  if (schema.type === 'integer') {
    const { minimum = -Infinity, maximum = Infinity } = schema
    const fits = Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum
    return fits ? undefined : misfit
  }
  if (typeof value !== 'string') return misfit
  return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value) ? undefined : misfit
}

function checkDuration({ least, most }: { least: string; most: string }, value: unknown): boolean {
  const valueMs = typeof value === 'string' ? parseDurationMs(value) : undefined
  if (valueMs === undefined) return false
  return valueMs >= (parseDurationMs(least) ?? 0) && valueMs <= (parseDurationMs(most) ?? Infinity)
}

/** What to write instead of `value`. */
export function cureOf(schema: SchemaView, value: unknown): string {
  const duration = schema['x-duration']
  if (duration) {
    if (/^\d+$/.test(String(value))) return `write ${value}s or ${value}ms`
    if (typeof value === 'string' && parseDurationMs(value) !== undefined) {
      return `write at least ${duration.least} and at most ${duration.most}`
    }
    return 'write a whole number and its unit: ms, s, m, h or d'
  }
  if (schema.enum) return didYouMean(String(value), schema.enum) ?? `write one of ${schema.enum.join(', ')}`
  if (schema.properties) return `write its keys: ${Object.keys(schema.properties).join(', ')}`
  if (schema.type === 'array' && value !== undefined) return `write [${value}]`
  if (schema['x-cure'] && schema.type !== 'object') return schema['x-cure']
  return `write ${describeType(schema)}`
}

/** `did you mean "per"?` when one of the candidates is at most half rewritten, and by three letters at the most. */
export function didYouMean(written: string, candidates: readonly string[]): string | undefined {
  const near = candidates
    .map((candidate) => ({ candidate, edits: distance(written.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.min(3, Math.max(1, Math.floor(candidate.length / 2))))
    .sort((one, other) => one.edits - other.edits)[0]
  return near && `did you mean "${near.candidate}"?`
}
