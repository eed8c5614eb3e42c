import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { createPasswordHashing } from './password-hashing.ts'

const statOf = (thread: string): string => readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
/** proc(5): the name in brackets is the second field, the niceness the nineteenth. */
const nicenessOf = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])

it('the threads that hash give way to all else, and no other thread does', async () => {
  await createPasswordHashing({ memoryKib: 64, passes: 1 }).verifyAgainstNothing('a password')
  const stats = readdirSync('/proc/self/task').map(statOf)
  const hashing = stats.filter((stat) => stat.includes('(libuv-worker)'))
  expect(hashing.length).toBeGreaterThan(0)
  for (const stat of hashing) expect(nicenessOf(stat)).toBe(10)
  expect(stats.filter((stat) => nicenessOf(stat) === 10)).toHaveLength(hashing.length)
})
