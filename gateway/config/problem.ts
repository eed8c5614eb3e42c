/** One thing wrong with a configuration, and where. */
export interface Problem {
  readonly file: string
  /** 1-based; 0 when the whole file is meant. */
  readonly line: number
  readonly column: number
  /** `routes[2].policies[0]`; empty for the whole file. */
  readonly path: string
  /** The value as written, secrets masked. */
  readonly value?: string
  readonly message: string
  /** What to do about it, as an imperative or a question. */
  readonly cure: string
}

export type Path = readonly (string | number)[]

/** A problem before its place in the file is known. */
export interface Finding {
  readonly path: Path
  /** The other key of a rule between two: the place to show when `path` was left to its default. */
  readonly otherPath?: Path
  readonly value?: string
  readonly message: string
  readonly cure: string
}

/** `['routes', 2, 'path']` → `routes[2].path`. */
export function pathText(path: Path): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '')
}

/** `config/gateway.yaml:12:5: policies.calls: unknown key "perr" – did you mean "per"?`; one line. */
export function formatProblem({ file, line, column, path, value, message, cure }: Problem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file
  const about = path === '' ? '' : `${path}: `
  const found = value === undefined ? '' : `, found ${value}`
  return `${place}: ${about}${message}${found} – ${cure}`
}
