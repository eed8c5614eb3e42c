import { readFileSync } from 'node:fs'
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml'
import type { GatewayConfig } from './config.ts'
import type { ConfigDraft } from './draft.ts'
import type { SchemaView } from './keys.ts'
import type { Finding, Path, Problem } from './problem.ts'
import { pathText } from './problem.ts'
import { type PlacedFinding, readNode } from './read.ts'
import { resolveConfig } from './resolve.ts'
import { type ConfigFile, configSchema } from './schema.ts'
import { type Environment, substituteVariables } from './substitute.ts'
import { validate } from './validate.ts'

export type { GatewayConfig } from './config.ts'
export { maskedConfig } from './mask.ts'
export { formatProblem, type Problem } from './problem.ts'

export type LoadResult = { kind: 'loaded'; config: GatewayConfig } | { kind: 'bad'; problems: Problem[] }

/** Reads and checks a configuration file. Never throws for what is wrong with the file; every problem is returned. */
export function loadConfig(file: string, environment: Environment = process.env): LoadResult {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return { kind: 'bad', problems: [unreadable(file, error)] }
  }
  return parseConfig(text, { file, environment })
}

/** As `loadConfig`, for a text at hand; `file` only names it in problems. */
export function parseConfig(text: string, options: { file: string; environment: Environment }): LoadResult {
  const { file, environment } = options
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const problems = document.errors.map((error) => ({
    ...place(error.pos[0]),
    path: '',
    ...syntaxProblem(error, text),
  }))
  // A broken line can shift all that follows: what the rest seems to say is then not worth reporting.
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY'))
    return { kind: 'bad', problems: sorted(problems) }

  const findings: PlacedFinding[] = []
  const variables = substituteVariables(document, environment)
  const draft = readNode(configSchema as SchemaView, document.contents, [], { document, variables, findings })
  findings.push(
    ...validate((draft ?? {}) as ConfigDraft).map((finding) => ({
      ...finding,
      node: nodeAt(document, finding.path),
    })),
  )
  for (const { node, path, ...finding } of findings) {
    problems.push({ ...place(node?.range?.[0] ?? 0), path: pathText(path), ...finding })
  }
  if (problems.length > 0) return { kind: 'bad', problems: sorted(problems) }
  return { kind: 'loaded', config: resolveConfig(draft as ConfigFile) }
}

function unreadable(file: string, error: unknown): Problem {
  const code = (error as NodeJS.ErrnoException).code
  const [message, cure] =
    code === 'ENOENT'
      ? ['no such file', 'name an existing file: --config FILE']
      : code === 'EISDIR'
        ? ['a directory, not a file', 'name the YAML file in it']
        : [`cannot be read (${code})`, 'let the user that runs the gateway read it']
  return { file, line: 0, column: 0, path: '', message, cure }
}

/** The parser's own words, with a cure for the two mistakes people make most. */
function syntaxProblem(error: YAMLError, text: string): Pick<Finding, 'message' | 'cure'> {
  const line = text.slice(text.lastIndexOf('\n', error.pos[0] - 1) + 1).split('\n')[0] ?? ''
  if (error.code === 'DUPLICATE_KEY') {
    const name = /^[^:\s]*/.exec(text.slice(error.pos[0]))?.[0]
    return { message: `key "${name}" is given twice`, cure: 'remove one of them' }
  }
  if (error.code === 'TAB_AS_INDENT') return { message: 'a tab as indentation', cure: 'indent with spaces' }
  const message = `not valid YAML: ${error.message.replace(/[.:]?\s*$/, '')}`
  if (/[{[].*\$\{/.test(line)) return { message, cure: `inside { } or [ ], quote it: "\${NAME}"` }
  return { message, cure: 'mend the line; quote values with special characters' }
}

/** The node at a path, or the nearest one above it: a default has no node of its own. */
function nodeAt(document: Document, path: Path): Node | null {
  let nearest: Node | null = document.contents
  let node: unknown = nearest
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node))
      node = node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key)?.value
    else node = isSeq(node) ? node.items[key as number] : undefined
    if (!isNode(node)) break
    nearest = node
  }
  return nearest
}

function sorted(problems: Problem[]): Problem[] {
  return problems.sort((one, other) => one.line - other.line || one.column - other.column)
}
