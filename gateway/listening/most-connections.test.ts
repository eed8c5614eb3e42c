import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../test/test-gateway.ts'
import { mostConnections } from './most-connections.ts'

/** A process as Linux shows it. */
async function processWith(directory: string, most: string, open: number): Promise<string> {
  await writeFile(
    join(directory, 'limits'),
    `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${most}                 524288               files\n`,
  )
  await mkdir(join(directory, 'fd'))
  for (let file = 0; file < open; file++) await writeFile(join(directory, 'fd', String(file)), '')
  return directory
}

test.each([
  ['half of the files that are left, but for a reserve', '1024', 8, 500],
  ['files that are open already are not there for callers', '1024', 108, 450],
  ['few files', '64', 30, 9],
  ['a browser’s worth, however few files there are', '64', 60, 8],
  ['no limit at all', 'unlimited', 30, 10_000],
])('%s', async (_what, most, open, connections) => {
  await using directory = await temporaryDirectory()
  expect(mostConnections(await processWith(directory.path, most, open))).toBe(connections)
})

test('where the system does not tell, ten thousand', () => {
  expect(mostConnections('/nowhere')).toBe(10_000)
})
