import type { YAMLError } from 'yaml'

/** One thing the YAML parser refused; `offset` counts characters from the start of the text. */
export interface SyntaxProblem {
  readonly offset: number
  readonly message: string
  readonly cure: string
}

/**
 * The parser's errors without those that only follow from an earlier one: one a line, and none after the parser
 * believed the document to be over.
 */
export function syntaxProblems(errors: readonly YAMLError[], text: string): SyntaxProblem[] {
  const end = errors.findIndex(({ message }) => message.includes('in YAML stream'))
  const lines = new Set<string>()
  return errors
    .slice(0, end === 0 ? 1 : end === -1 ? undefined : end)
    .filter(({ code, pos: [offset] }) => {
      const line = `${code === 'DUPLICATE_KEY'} ${text.lastIndexOf('\n', offset - 1)}`
      return !lines.has(line) && lines.add(line)
    })
    .map((error) => ({ offset: error.pos[0], ...explain(error, text) }))
}

/** The parser's own words, with a cure for the mistakes people make most. */
function explain(error: YAMLError, text: string): { message: string; cure: string } {
  const offset = error.pos[0]
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n')[0] ?? ''
  if (error.code === 'DUPLICATE_KEY') {
    const name = /^[^:\s]*/.exec(text.slice(offset))?.[0]
    return { message: `key "${name}" is given twice`, cure: 'remove one of them' }
  }
  if (error.code === 'TAB_AS_INDENT') return { message: 'a tab as indentation', cure: 'indent with spaces' }
  if (error.code === 'MULTIPLE_DOCS') {
    return { message: 'a second document', cure: 'remove the line "---" and keep one document' }
  }
  // What the parser quotes after a colon may be part of a password.
  const message = `not valid YAML: ${error.message.replace(/:\s.*$|[.:]$/s, '')}`
  if (/[{[].*\$\{/.test(line)) return { message, cure: `inside { } or [ ], quote it: "\${NAME}"` }
  return { message, cure: 'mend the line; quote values with special characters' }
}
