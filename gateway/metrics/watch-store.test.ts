import { expect, it } from 'vitest'
import { watchStore } from './watch-store.ts'

it('times every call, counts failures, and tells of each change once', async () => {
  const seen: string[] = []
  let works = true
  const watch = watchStore({
    called: (seconds) => seen.push(seconds >= 0 ? 'called' : 'backwards'),
    failed: () => seen.push('failed'),
    changed: (isUp) => seen.push(isUp ? 'up' : 'down'),
  })
  const home = watch({
    name: 'x',
    ask: async (question: string) => {
      if (!works) throw new Error('away')
      return `${question}!`
    },
  })
  expect(home.name).toBe('x')
  expect(await home.ask('who')).toBe('who!')
  works = false
  await expect(home.ask('who')).rejects.toThrow('away')
  await expect(home.ask('who')).rejects.toThrow('away')
  works = true
  await home.ask('who')
  expect(seen).toEqual(['called', 'called', 'failed', 'down', 'called', 'failed', 'called', 'up'])
})

it('homes of one database share what is known of it', async () => {
  const changes: boolean[] = []
  const watch = watchStore({
    called: () => undefined,
    failed: () => undefined,
    changed: (isUp) => changes.push(isUp),
  })
  const accounts = watch({ ask: async () => Promise.reject(new Error('away')) })
  const codes = watch({ ask: async () => 'here' })
  await accounts.ask().catch(() => undefined)
  await codes.ask()
  await codes.ask()
  expect(changes).toEqual([false, true])
})
