import { expect, it } from 'vitest'
import { createRunningMean, watchLoopLag } from './loop-lag.ts'

it('one pause counts a third, and is forgotten three looks later', () => {
  const mean = createRunningMean(3)
  mean.add(900)
  expect(mean.value).toBe(300)
  mean.add(0)
  mean.add(0)
  expect(mean.value).toBe(300)
  mean.add(0)
  expect(mean.value).toBe(0)
})

it('a loop that runs late again and again is seen, and seen to run well again', async () => {
  using lag = watchLoopLag()
  const block = (ms: number): void => {
    const untilMs = performance.now() + ms
    while (performance.now() < untilMs);
  }
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))
  const fromMs = performance.now()
  while (lag.meanMs < 150 && performance.now() - fromMs < 5_000) {
    block(250)
    await turn()
  }
  expect(lag.meanMs).toBeGreaterThan(150)
  await expect.poll(() => lag.meanMs, { timeout: 5_000 }).toBeLessThan(50)
})
