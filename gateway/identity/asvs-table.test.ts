import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
const section = readme.split('\n## ASVS 5\n')[1]?.split('\n## ')[0] ?? ''
const rows = section.split('\n').filter((line) => /^\| \d/.test(line))

it('each requirement has its test, which exists, or says that it is not met', () => {
  expect(rows.length).toBeGreaterThan(40)
  for (const row of rows) {
    const tests = [...row.matchAll(/`([\w./-]+\.(?:test\.ts|contract\.ts|yaml))`/g)].map(([, path]) => path)
    if (!row.includes('**not met**')) expect(tests, row).not.toEqual([])
    for (const test of tests) {
      const places = ['./', '../', '../../'].map((folder) => new URL(`${folder}${test}`, import.meta.url))
      expect(
        places.some((place) => existsSync(place)),
        `${test} in ${row}`,
      ).toBe(true)
    }
  }
})

it('each requirement stands in one row', () => {
  const numbers = rows.flatMap((row) => row.split('|')[1]?.match(/\b\d+\.\d+\.\d+\b/g) ?? [])
  expect(new Set(numbers).size).toBe(numbers.length)
})
