import { expect, test } from 'vitest'
import { keepingOf, responsesContract, storedResponse } from './responses.contract.ts'
import { createEmbeddedResponses } from './responses.embedded.ts'

const open = (maxBytes = 1_000_000) => {
  let nowMs = 0
  const responses = createEmbeddedResponses({ maxBytes, maxEntryBytes: 10_000, now: () => nowMs })
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms
  }
  return { responses, pass }
}

responsesContract('embedded', async () => open())

test('a full place lets go of what was not asked for the longest', async () => {
  const { responses } = open(20_000)
  const keep = (name: string) =>
    responses.keep(
      keepingOf({ key: name, variant: `${name}\n\n`, response: storedResponse(Buffer.alloc(5_000)) }),
    )
  await keep('first')
  await keep('second')
  await responses.find(['first', 'first\n\n'])
  await keep('third')
  await keep('fourth')
  const found = await responses.find(['first\n\n', 'second\n\n', 'third\n\n', 'fourth\n\n'])
  expect(found.map((entry) => entry !== null)).toEqual([true, false, true, true])
})

test('many distinct addresses leave no trace beyond the bound', async () => {
  const { responses } = open(50_000)
  for (let i = 0; i < 5_000; i++) {
    await responses.keep(keepingOf({ key: `k${i}`, variant: `v${i}`, groups: ['all', `path /${i}`] }))
  }
  expect(await responses.purge('path /1')).toBe(0)
  expect(await responses.purge('all')).toBeLessThan(50)
})
