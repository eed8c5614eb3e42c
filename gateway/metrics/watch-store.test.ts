import { expect, it } from 'vitest'
import { watchStore } from './watch-store.ts'

it('times every call, counts failures, and tells of each change once', async () => {
  const seen: string[] = []
  let works = true
  const home = watchStore(
    {
      name: 'x',
      ask: async (question: string) => {
        if (!works) throw new Error('away')
        return `${question}!`
      },
    },
    {
      called: (seconds) => seen.push(seconds >= 0 ? 'called' : 'backwards'),
      failed: () => seen.push('failed'),
      changed: (isUp) => seen.push(isUp ? 'up' : 'down'),
    },
  )
  expect(home.name).toBe('x')
  expect(await home.ask('who')).toBe('who!')
  works = false
  await expect(home.ask('who')).rejects.toThrow('away')
  await expect(home.ask('who')).rejects.toThrow('away')
  works = true
  await home.ask('who')
  expect(seen).toEqual(['called', 'called', 'failed', 'down', 'called', 'failed', 'called', 'up'])
})
