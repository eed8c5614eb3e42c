import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { formatProblem, parseConfig } from './load.ts'

const folder = new URL('mistakes/', import.meta.url)
const files = readdirSync(folder)
/** All that the mistakes may take from the environment. */
const environment = { NOT_A_NUMBER: 'eighty' }

function problemsOf(file: string): string[] {
  const result = parseConfig(readFileSync(new URL(file, folder), 'utf8'), { file, environment })
  return result.kind === 'bad' ? result.problems.map(formatProblem) : []
}

describe('each mistake is reported at its place, with its cure', () => {
  test.each(files)('%s', (file) => {
    const head = readFileSync(new URL(file, folder), 'utf8').matchAll(/^# expect: (.+)$/gm)
    const expected = [...head].map(([, line]) => `${file}:${line}`)
    expect(expected, 'a file without "# expect: …" proves nothing').not.toEqual([])
    expect(problemsOf(file)).toEqual(expected)
  })
})

test('no problem shows a password or a token', () => {
  const withSecrets = files.filter((file) => /hu.?sh/.test(readFileSync(new URL(file, folder), 'utf8')))
  expect(withSecrets.length).toBeGreaterThan(5)
  for (const file of withSecrets) expect(problemsOf(file).join('\n')).not.toMatch(/hu.?sh/)
})
