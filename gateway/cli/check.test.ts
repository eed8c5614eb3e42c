import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { check } from './check.ts'
import { schema } from './schema.ts'

let output: string[]
let errors: string[]

beforeEach(() => {
  output = []
  errors = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void output.push(line))
  vi.spyOn(console, 'error').mockImplementation((line: string) => void errors.push(line))
})
afterEach(() => vi.restoreAllMocks())

test('check answers 0 for a sound file', async () => {
  expect(await check(['config/demo.yaml'])).toBe(0)
  expect(output).toEqual(['config/demo.yaml: sound (routes: 5, policies: 3, upstreams: 1, workers: 1)'])
  expect(errors).toEqual([])
})

test('check prints every problem and answers 78', async () => {
  const file = 'gateway/config/mistakes/duration-without-unit.yaml'
  expect(await check([file])).toBe(78)
  expect(errors).toEqual([
    `${file}:3:28: policies.calls.per: not a duration from 1ms to 400d, found 600 – write 600s or 600ms`,
    '1 problem; nothing was started',
  ])
  expect(output).toEqual([])
})

test.each([[[]], [['--help']], [['a.yaml', 'b.yaml']]])(
  'check called as %j answers 64 and its usage',
  async (args) => {
    expect(await check(args)).toBe(64)
    expect(errors.join()).toMatch(/^usage: guichet check FILE/)
  },
)

test('schema prints JSON Schema', async () => {
  expect(await schema([])).toBe(0)
  expect(JSON.parse(output.join('\n'))).toMatchObject({ title: 'gateway.yaml', additionalProperties: false })
})

test.each([
  { args: ['--wirte', 'x.json'], code: 64, says: /^usage: guichet schema/ },
  { args: ['--write'], code: 64, says: /^usage: guichet schema/ },
  { args: ['--write', 'no/such/folder/x.json'], code: 73, says: /name a file you may write to/ },
])('schema $args answers $code', async ({ args, code, says }) => {
  expect(await schema(args)).toBe(code)
  expect(errors.join()).toMatch(says)
})
