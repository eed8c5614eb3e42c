import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Demo, type DemoAccount, startDemo } from './demo.ts'
import { readText } from './operators/repository.ts'
import { startProcess } from './servers/child-process.ts'
import { temporaryDirectory } from './test-gateway.ts'

const opened = new AsyncDisposableStack()
let demo: Demo
beforeAll(async () => {
  const { path } = opened.use(await temporaryDirectory())
  demo = opened.use(await startDemo(path))
})
afterAll(() => opened.disposeAsync())

/** The section's text of README.md, from its title to the next. */
function section(title: string): string {
  const found = new RegExp(`^## ${title}\n([\\s\\S]*?)(?=^## )`, 'm').exec(readText('README.md'))?.[1]
  if (found === undefined) throw new Error(`README.md has no section ${title}`)
  return found
}

/** The fenced blocks, in order. */
const blocks = (text: string): string[] =>
  [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)

test('the eleven calls of the README, as they stand there, are ten 200 and one 429', async () => {
  const [script = '', promised = ''] = blocks(section('Eleven calls'))
  const ada = demo.accounts.find(({ email }) => script.includes(email)) as DemoAccount
  expect(script).toContain('localhost:8080')
  expect(script).toContain('"password":"…"')
  const here = script
    .replaceAll('localhost:8080', new URL(demo.gateway).host)
    .replace('"password":"…"', `"password":"${ada.password}"`)
  await using bash = await startProcess('bash', ['-c', here])
  expect(await bash.ended, bash.stderr).toEqual({ kind: 'exit', code: 0 })
  expect(bash.stderr).toBe('')
  const shapes = (text: string) => text.trimEnd().replace(/t=\d+/g, 't=…').split('\n')
  expect(shapes(bash.stdout)).toEqual([
    ...Array.from({ length: 10 }, (_, index) => `200 "calls";r=${9 - index};t=…`),
    '429 "calls";r=0;t=…',
  ])

  // What the README says one should see is what one sees.
  expect(shapes(bash.stdout)).toEqual(expect.arrayContaining(shapes(promised).filter((line) => line !== '…')))
  expect(shapes(promised)).toHaveLength(4)
})
