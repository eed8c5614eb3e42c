import { expect, test } from 'vitest'
import { createPasswordQueue } from './password-queue.ts'

test('never more tasks at once than allowed, all in order, a failed one included', async () => {
  const inTurn = createPasswordQueue({ concurrency: 2, queueLimit: 100 })
  const order: number[] = []
  let running = 0
  let most = 0
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) =>
      inTurn(async () => {
        most = Math.max(most, ++running)
        order.push(i)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        if (i % 3 === 0) throw new Error('a task that fails')
      }),
    ),
  )
  expect(most).toBe(2)
  expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i))
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(7)
})
