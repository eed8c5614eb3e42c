import { writeFileSync } from 'node:fs'
import { jsonSchema } from '../config/json-schema.ts'
import { referencePage } from '../config/reference.ts'

const usage = 'usage: guichet schema [--write FILE.json | --write FILE.md]'

/**
 * `guichet schema`: prints the JSON Schema of the configuration file, or writes it; to a `.md` file goes the
 * reference page instead. Exit codes as in sysexits.h: 0, 64 called wrongly, 73 the file cannot be written.
 */
export async function schema(args: string[]): Promise<number> {
  const [option, file, ...others] = args
  if (option === undefined) {
    console.log(schemaText())
    return 0
  }
  if (option !== '--write' || file === undefined || others.length > 0) {
    console.error(usage)
    return 64
  }
  try {
    writeFileSync(file, file.endsWith('.md') ? referencePage() : `${schemaText()}\n`)
    return 0
  } catch (error) {
    console.error(`${file}: ${(error as Error).message} – name a file you may write to`)
    return 73
  }
}

const schemaText = () => JSON.stringify(jsonSchema(), null, 2)
