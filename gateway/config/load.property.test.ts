import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseConfig } from './load.ts'

const sound = readFileSync('config/gateway.yaml', 'utf8')
const lines = sound.split('\n')
const snippets = [
  '{',
  '}',
  '[',
  ']',
  ':',
  '- ',
  '&a ',
  '*a',
  '"',
  "'",
  '\t',
  '${',
  '!!x ',
  '|',
  '#',
  '---\n',
  '0',
  '\u0000',
  '<<: *a',
  '? ',
]

/** A sound file with one to three edits: text put in, a stretch cut out, or two lines swapped. */
const damaged = fc
  .array(
    fc.record({
      at: fc.nat(sound.length),
      cut: fc.nat(12),
      put: fc.oneof(
        fc.constantFrom(...snippets),
        fc.constant(''),
        fc.constantFrom(...lines).map((line) => `\n${line}\n`),
      ),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((edits) =>
    edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), sound),
  )

test('whatever is done to a file, it is loaded or refused with a place and a cure, never thrown at', () => {
  fc.assert(
    fc.property(damaged, (text) => {
      const result = parseConfig(text, { file: 'g.yaml', environment: {} })
      if (result.kind === 'loaded') return
      expect(result.problems.length).toBeGreaterThan(0)
      const lineCount = text.split('\n').length
      for (const { line, column, message, cure } of result.problems) {
        expect(line).toBeGreaterThanOrEqual(1)
        expect(line).toBeLessThanOrEqual(lineCount)
        expect(column).toBeGreaterThanOrEqual(1)
        expect(message).not.toBe('')
        expect(cure).not.toBe('')
      }
    }),
    { numRuns: 500 },
  )
})
