import { type Document, isScalar, type Scalar, visit } from 'yaml'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Substitution {
  /** Scalars whose text came from the environment, at least in part: they are typed by the schema, not by YAML. */
  readonly substituted: ReadonlySet<Scalar>
  /** Scalars that could not be filled in. */
  readonly failed: ReadonlyMap<Scalar, { message: string; cure: string }>
}

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every value of the document, in place. As in a shell, the default
 * stands in for an empty variable too. What a variable contains is never looked into again.
 */
export function substituteVariables(document: Document, environment: Environment): Substitution {
  const substituted = new Set<Scalar>()
  const failed = new Map<Scalar, { message: string; cure: string }>()
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string') return
      if (!node.value.includes('${')) return
      const filled = fill(node.value, environment)
      if (filled.kind === 'failed') failed.set(node, filled)
      else {
        node.value = filled.text
        substituted.add(node)
      }
    },
  })
  return { substituted, failed }
}

type Filled = { kind: 'filled'; text: string } | { kind: 'failed'; message: string; cure: string }

function fill(text: string, environment: Environment): Filled {
  const unset: string[] = []
  let malformed = false
  const filled = text.replace(
    /\$\{(?:([A-Za-z_]\w*)(?::-([^}]*))?\})?/g,
    (_, name: string | undefined, standIn: string | undefined) => {
      if (name === undefined) malformed = true
      else if (standIn !== undefined) return environment[name] || standIn
      else if (environment[name] === undefined) unset.push(name)
      else return environment[name]
      return ''
    },
  )
  if (malformed)
    return { kind: 'failed', message: 'malformed "${"', cure: `write \${NAME} or \${NAME:-value}` }
  const [name] = unset
  if (name === undefined) return { kind: 'filled', text: filled }
  return { kind: 'failed', message: `${name} is not set`, cure: `set ${name} or write \${${name}:-value}` }
}
