import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readText, root } from './repository.ts'

export interface Imports {
  /** Files of the repository, the entry among them. */
  readonly files: ReadonlySet<string>
  readonly packages: ReadonlySet<string>
}

const eager = /^(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?'([^']+)'/gm
const later = /\bimport\(\s*'([^']+)'/g

/** The demo starts the backend too: it runs in a checkout, not in the gateway's image. */
const checkoutOnly = 'gateway/cli/demo.ts'

/** What a source needs in order to run: all it imports, at its start or later. A file may not exist. */
export function importsOf(entry: string): Imports {
  const files = new Set<string>()
  const packages = new Set<string>()
  const visit = (path: string): void => {
    if (files.has(path) || path === checkoutOnly) return
    files.add(path)
    if (!path.endsWith('.ts') || !existsSync(join(root, path))) return
    const source = readText(path)
    const targets = (pattern: RegExp) =>
      [...source.matchAll(pattern)].map(([, name = '']) =>
        name.startsWith('.') ? join(dirname(path), name) : `npm ${name}`,
      )
    for (const target of [...targets(eager), ...targets(later)]) {
      if (!target.startsWith('npm ')) visit(target)
      else if (!target.startsWith('npm node:')) packages.add(packageOf(target.slice(4)))
    }
  }
  visit(entry)
  return { files, packages }
}

const packageOf = (name: string) =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
