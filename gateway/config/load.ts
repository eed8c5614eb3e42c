import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument, YAMLMap } from 'yaml'
import { readCertificate } from '../listening/certificate.ts'
import type { GatewayConfig } from './config.ts'
import type { ConfigDraft } from './draft.ts'
import type { SchemaView } from './keys.ts'
import { locate } from './locate.ts'
import type { Problem } from './problem.ts'
import { pathText } from './problem.ts'
import { type PlacedFinding, readNode } from './read.ts'
import { resolveConfig } from './resolve.ts'
import { type ConfigFile, configSchema } from './schema.ts'
import { type Environment, substituteVariables } from './substitute.ts'
import { syntaxProblems } from './syntax.ts'
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
  const loaded = parseConfig(text, { file, environment })
  if (loaded.kind === 'bad') return loaded
  const problems = checkCertificate(file, loaded.config)
  return problems.length > 0 ? { kind: 'bad', problems } : loaded
}

/** The files that a rule cannot look into, since it is pure. */
function checkCertificate(file: string, { listen: { tls } }: GatewayConfig): Problem[] {
  if (tls === null) return []
  const reading = readCertificate(tls)
  if (reading.kind === 'read') return []
  const { of, message, cure } = reading
  return [
    { file, line: 0, column: 0, path: `listen.tls.${of}`, value: JSON.stringify(tls[of]), message, cure },
  ]
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
  const problems: Problem[] = syntaxProblems(document.errors, text).map(({ offset, ...problem }) => ({
    ...place(offset),
    path: '',
    ...problem,
  }))
  // A broken line can shift all that follows: what the rest seems to say is then not worth reporting.
  const isBroken = document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')
  if (isBroken) return { kind: 'bad', problems: sorted(problems) }
  // An empty file is an empty map: what it lacks is more useful than what it is.
  const contents = document.contents ?? new YAMLMap()

  const findings: PlacedFinding[] = []
  const variables = substituteVariables(document, environment)
  const draft = readNode(configSchema as SchemaView, contents, [], { document, variables, findings })
  for (const finding of validate((draft ?? {}) as ConfigDraft)) {
    findings.push({ ...finding, ...locate(document, finding) })
  }
  for (const { node, path, value, message, cure } of findings) {
    const where = { ...place(node?.range?.[0] ?? 0), path: pathText(path) }
    problems.push({ ...where, ...(value !== undefined && { value }), message, cure })
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

function sorted(problems: Problem[]): Problem[] {
  return problems.sort((one, other) => one.line - other.line || one.column - other.column)
}
