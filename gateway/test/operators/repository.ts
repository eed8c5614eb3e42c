import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The root of the repository. */
export const root = resolve(import.meta.dirname, '../../..')

export const readText = (path: string): string => readFileSync(join(root, path), 'utf8')
