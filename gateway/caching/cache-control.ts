/** Directives of a Cache-Control field by lower-case name; `''` for one without a value. */
export type Directives = ReadonlyMap<string, string>

export type FieldValue = string | readonly string[] | undefined

const directive = /[\s,]*([!#$%&'*+.^`|~\w-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?[^\S,]*(?=,|$)/y
const restOfMember = /[^,]*/y

/** No number: whoever gives two different values is taken to have given none that can be used. */
const contradiction = 'contradiction'

const none: Directives = new Map()

/** Reads the field, all its lines together (RFC 9111 §5.2). A member that is no directive is skipped alone. */
export function readDirectives(value: FieldValue): Directives {
  const text = joined(value)
  if (text === undefined) return none
  const directives = new Map<string, string>()
  let at = 0
  while (at < text.length) {
    directive.lastIndex = at
    const [whole = '', name, quoted, token] = directive.exec(text) ?? []
    if (name === undefined) {
      restOfMember.lastIndex = at
      at += (restOfMember.exec(text)?.[0].length ?? 0) + 1
      continue
    }
    at += whole.length + 1
    const key = name.toLowerCase()
    const argument = quoted?.replace(/\\(.)/g, '$1') ?? token ?? ''
    const earlier = directives.get(key)
    directives.set(key, earlier === undefined || earlier === argument ? argument : contradiction)
  }
  return directives
}

/** Where overflow begins for the smallest cache (RFC 9111 §1.2.2). */
const longestSeconds = 2 ** 31

/**
 * A directive's seconds as milliseconds; null when it is absent, 0 when it is no number or contradicts itself:
 * what cannot be understood is stale (RFC 9111 §4.2.1).
 */
export function directiveMs(directives: Directives, name: string): number | null {
  const value = directives.get(name)
  if (value === undefined) return null
  return /^\d+$/.test(value) ? Math.min(Number(value), longestSeconds) * 1000 : 0
}

/** The lines of a field as one list; undefined when there is none. */
export const joined = (value: FieldValue): string | undefined =>
  typeof value === 'string' || value === undefined ? value : value.join(', ')
