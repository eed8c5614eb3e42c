import { expect, test, vi } from 'vitest'
import { forgetOldLogins } from './forget-old-logins.ts'

const dayMs = 86_400_000
const nowMs = Date.UTC(2026, 10, 2)

/** Counters of which so many are old; remembers what it was asked. */
function counters(old: number) {
  const asked: number[] = []
  return {
    asked,
    left: () => old,
    async forgetLogins(untilMs: number, most: number) {
      asked.push(untilMs)
      const forgotten = Math.min(old, most)
      old -= forgotten
      return forgotten
    },
  }
}

test('what is older than any statistic is forgotten at the start, a batch at a time', async () => {
  const accounts = counters(2_500)
  const warn = vi.fn()
  await using _forgetting = forgetOldLogins({ accounts, warn, now: () => nowMs })
  await vi.waitFor(() => expect(accounts.left()).toBe(0))
  expect(accounts.asked).toEqual(Array(3).fill(nowMs - 91 * dayMs))
  expect(warn).not.toHaveBeenCalled()
})

test('and again every day, also after a day on which the database was away', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const accounts = counters(0)
  const days = [() => Promise.reject(new Error('away')), accounts.forgetLogins, accounts.forgetLogins]
  const warn = vi.fn()
  const forgetLogins = (untilMs: number, most: number): Promise<number> =>
    (days.shift() as (typeof days)[1])(untilMs, most)
  {
    await using _forgetting = forgetOldLogins({ accounts: { forgetLogins }, warn, now: () => nowMs })
    await vi.waitFor(() => expect(warn).toHaveBeenCalledOnce())
    vi.advanceTimersByTime(dayMs)
    await vi.waitFor(() => expect(accounts.asked).toHaveLength(1))
    vi.advanceTimersByTime(dayMs)
    await vi.waitFor(() => expect(accounts.asked).toHaveLength(2))
  }
  vi.advanceTimersByTime(dayMs)
  expect(accounts.asked).toHaveLength(2)
  vi.useRealTimers()
})
