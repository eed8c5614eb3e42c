import type { Finding } from '../problem.ts'

const headerPrefix = 'header:'
const mostKeys = 4
/** RFC 9110 §5.1. */
const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/

interface Keyed {
  readonly by?: string | readonly (string | undefined)[] | undefined
  readonly whenKeyIsMissing?: string | undefined
}

/** `user` or a list → the keys as the limiter takes them, header names in lower case. */
export function keysOf(by: Keyed['by']): string[] {
  const keys = typeof by === 'string' ? [by] : (by ?? [])
  return keys
    .filter((key) => key !== undefined)
    .map((key) => (key.startsWith(headerPrefix) ? key.toLowerCase() : key))
}

/** The keys of one policy; paths are relative to it. */
export function checkKeys({ by, whenKeyIsMissing }: Keyed): Finding[] {
  const findings: Finding[] = []
  const written = typeof by === 'string' ? [by] : (by ?? [])
  const seen = new Set<string>()
  for (const [index, key] of written.entries()) {
    if (key === undefined) continue
    const path = typeof by === 'string' ? ['by'] : ['by', index]
    if (key.startsWith(headerPrefix))
      findings.push(...checkHeaderName(key.slice(headerPrefix.length), path, key))
    const [same = key] = keysOf(key)
    if (seen.has(same))
      findings.push({
        path,
        value: JSON.stringify(key),
        message: 'named twice',
        cure: 'remove one of them',
      })
    seen.add(same)
  }
  if (by !== undefined && written.length === 0)
    findings.push({ path: ['by'], message: 'no key', cure: 'remove it, or write by: user' })
  if (written.length > mostKeys)
    findings.push({
      path: ['by'],
      value: `${written.length} keys`,
      message: `more than ${mostKeys} keys`,
      cure: `name at most ${mostKeys}`,
    })
  const isMissable = written.some((key) => key === undefined || key.startsWith(headerPrefix))
  if (whenKeyIsMissing !== undefined && by !== undefined && !isMissable)
    findings.push({
      path: ['whenKeyIsMissing'],
      value: JSON.stringify(whenKeyIsMissing),
      message: 'only a header can be missing, and the policy counts by none',
      cure: 'remove it, or add header:NAME to by',
    })
  return findings
}

/** @param value as written, when that is more than the name */
export function checkHeaderName(name: string, path: Finding['path'], value = name): Finding[] {
  if (token.test(name)) return []
  return [
    {
      path,
      value: JSON.stringify(value),
      message: 'not the name of a header',
      cure: 'write 1 to 100 letters, digits and "-"',
    },
  ]
}
