import { describeType } from './describe.ts'
import type { SchemaView } from './keys.ts'
import { configSchema } from './schema.ts'

const head = `# Configuration reference

Generated from the schema by \`npx guichet schema --write gateway/config/REFERENCE.md\`; a test holds the two equal.
\`NAME\` stands for a name of your choice, \`[]\` for an entry of a list.

| key | type | default | description |
| --- | --- | --- | --- |
`

/** Every key of the file as a Markdown page. */
export function referencePage(): string {
  return `${head}${rows(configSchema as SchemaView, '', true).join('\n')}\n`
}

function rows(schema: SchemaView, path: string, isRequired: boolean): string[] {
  const own = path === '' ? [] : [row(schema, path, isRequired)]
  const keys = Object.entries(schema.properties ?? {}).flatMap(([key, known]) =>
    rows(known, path === '' ? key : `${path}.${key}`, schema.required?.includes(key) ?? false),
  )
  const entries = Object.values(schema.patternProperties ?? {}).flatMap((entry) =>
    rows(entry, `${path}.NAME`, true),
  )
  // The entries of a list of names say nothing that the list has not said.
  const items = schema.items?.properties ? rows(schema.items, `${path}[]`, true) : []
  return [...own, ...keys, ...entries, ...items]
}

function row(schema: SchemaView, path: string, isRequired: boolean): string {
  const cells = [
    `\`${path}\``,
    describeType(schema),
    defaultText(schema, path, isRequired),
    schema.description ?? '',
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function defaultText(schema: SchemaView, path: string, isRequired: boolean): string {
  if (schema['x-default']) return schema['x-default']
  if (schema.default === '') return 'empty'
  if (schema.properties ?? schema.patternProperties ?? schema.items) {
    const isEntry = path.endsWith('NAME') || path.endsWith('[]')
    return isEntry ? '' : schema.default === undefined ? 'required' : schema.items ? '`[]`' : ''
  }
  if (schema.default !== undefined) return `\`${schema.default}\``
  return isRequired ? 'required' : ''
}
