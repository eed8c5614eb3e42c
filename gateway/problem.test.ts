import { expect, it } from 'vitest'
import { type ErrorCode, errorTable } from './errors.ts'
import { problemOf, problemText } from './problem.ts'

const details = [
  {},
  { retryAfterSeconds: 42 },
  { retryAfterSeconds: 1, members: { 'violated-policies': ['calls', 'a "quoted" one'] } },
  { sentence: 'Send "it" again.', members: {} },
]

it.each(Object.keys(errorTable) as ErrorCode[])('the text of %s is its problem as JSON', (code) => {
  for (const each of details) {
    const refusal = { code, details: each }
    expect(problemText(refusal, 'id "1"')).toBe(JSON.stringify(problemOf(refusal, 'id "1"')))
  }
})
