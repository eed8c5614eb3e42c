import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Scalar } from 'yaml'
import { checkScalar, cureOf, describeType, didYouMean } from './describe.ts'
import type { SchemaView } from './keys.ts'
import { maskUrl } from './mask.ts'
import type { Finding, Path } from './problem.ts'
import type { Substitution } from './substitute.ts'

/** A finding and the node it is about, which gives the place. */
export interface PlacedFinding extends Finding {
  readonly node: Node | null
}

interface Reading {
  readonly document: Document
  readonly variables: Substitution
  readonly findings: PlacedFinding[]
}

/**
 * Reads a YAML node as the schema says, filling in defaults. Whatever does not fit becomes a finding and
 * `undefined`, so that the rest can still be read and checked.
 */
export function readNode(schema: SchemaView, node: unknown, path: Path, reading: Reading): unknown {
  const target = isAlias(node) ? node.resolve(reading.document) : node
  if (isAlias(node) && !target) {
    return report(reading, node, {
      path,
      message: 'an alias to nothing',
      cure: 'quote a value that begins with *',
    })
  }
  if (schema.anyOf) {
    const branch = schema.anyOf.find(({ type }) => (type === 'array') === isSeq(target)) ?? schema
    return readNode({ ...schema, anyOf: undefined, ...branch } as SchemaView, target, path, reading)
  }
  if (schema.type === 'object') return readMap(schema, target, path, reading)
  if (schema.type === 'array') return readList(schema, target, path, reading)
  return readScalar(schema, target, path, reading)
}

function readMap(schema: SchemaView, node: unknown, path: Path, reading: Reading): unknown {
  if (!isMap(node)) return misfit(schema, node, path, reading)
  // No prototype: a policy may be called "constructor".
  const read: Record<string, unknown> = Object.create(null)
  for (const { key, value } of node.items) {
    const name = String(isScalar(key) ? key.value : key)
    const [[pattern, entry] = []] = Object.entries(schema.patternProperties ?? {})
    if (pattern !== undefined && entry && !new RegExp(pattern).test(name)) {
      report(reading, key, {
        path,
        message: `"${name}" is not ${schema['x-expected']}`,
        cure: schema['x-cure'] ?? '',
      })
    }
    const known = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : entry
    if (!known) {
      const keys = Object.keys(schema.properties ?? {})
      const cure = didYouMean(name, keys) ?? `remove it, or write one of ${keys.join(', ')}`
      report(reading, key, { path, message: `unknown key "${name}"`, cure })
    } else if (!isAbsent(value, reading)) read[name] = readNode(known, value, [...path, name], reading)
    else if (entry) {
      read[name] = undefined
      misfit(known, key, [...path, name], reading, 'nothing')
    }
  }
  return fillIn(schema, read, node, path, reading)
}

/** Defaults and missing keys. */
function fillIn(schema: SchemaView, read: Record<string, unknown>, node: Node, path: Path, reading: Reading) {
  for (const [name, known] of Object.entries(schema.properties ?? {})) {
    if (name in read) continue
    if (known.default !== undefined) read[name] = defaultOf(known)
    else if (schema.required?.includes(name)) {
      const message = `missing key "${name}"`
      report(reading, node, {
        path,
        message,
        cure: `add ${name}, ${describeType(known)}: ${asClause(known.description)}`,
      })
    }
  }
  return read
}

const asClause = (sentence = '') => sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '')

function defaultOf(schema: SchemaView): unknown {
  if (!schema.properties) return structuredClone(schema.default)
  return Object.fromEntries(
    Object.entries(schema.properties)
      .filter(([, known]) => known.default !== undefined)
      .map(([name, known]) => [name, defaultOf(known)]),
  )
}

function readList(schema: SchemaView, node: unknown, path: Path, reading: Reading): unknown {
  if (!isSeq(node)) return misfit(schema, node, path, reading)
  return node.items.map((item, index) => readNode(schema.items ?? {}, item, [...path, index], reading))
}

function readScalar(schema: SchemaView, node: unknown, path: Path, reading: Reading): unknown {
  if (!isScalar(node)) return misfit(schema, node, path, reading)
  const failure = reading.variables.failed.get(node)
  if (failure) return report(reading, node, { path, ...failure })
  const value = typed(schema, node, reading)
  const problem = checkScalar(schema, value)
  if (!problem) return value
  return report(reading, node, { path, value: shown(schema, value), ...problem })
}

/** What comes from the environment is text; the schema, not its looks, decides whether it is a number. */
function typed(schema: SchemaView, node: Scalar, reading: Reading): unknown {
  if (typeof node.value === 'string' && reading.variables.substituted.has(node)) {
    if (schema.type === 'integer' && /^-?\d+$/.test(node.value)) return Number(node.value)
    if (schema.type === 'boolean' && /^(true|false)$/.test(node.value)) return node.value === 'true'
    return node.value
  }
  // Text that YAML takes for a number (a token of digits) is what was written, not what YAML made of it.
  const isText = schema.type === 'string' && !schema['x-duration']
  return isText && node.value !== null && typeof node.value !== 'string'
    ? (node.source ?? String(node.value))
    : node.value
}

function isAbsent(node: unknown, { variables }: Reading): boolean {
  return node === null || (isScalar(node) && node.value === null && !variables.substituted.has(node))
}

function misfit(
  schema: SchemaView,
  node: unknown,
  path: Path,
  reading: Reading,
  instead?: string,
): undefined {
  const found =
    instead ??
    (isMap(node) ? 'a map' : isSeq(node) ? 'a list' : isScalar(node) ? shown(schema, node.value) : 'nothing')
  const message = `not ${describeType(schema)}`
  const cure = cureOf(schema, isScalar(node) && !instead ? node.value : undefined)
  return report(reading, node, { path, value: found, message, cure })
}

/** A value as a problem may show it. */
export function shown(schema: SchemaView, value: unknown): string {
  if (schema['x-secret'] === 'whole') return '"***"'
  const text = typeof value === 'string' ? JSON.stringify(maskUrl(value)) : String(value)
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}

function report(reading: Reading, node: unknown, finding: Finding): undefined {
  reading.findings.push({ ...finding, node: (node ?? null) as Node | null })
}
