import { describe, expect, it } from 'vitest'
import { loginDelaysContract } from './login-delays.contract.ts'
import { createEmbeddedLoginDelays } from './login-delays.embedded.ts'
import { delaysWithFallback, type LoginDelays } from './login-delays.ts'

const rule = { freeAttempts: 1, firstDelayMs: 1_000, longestDelayMs: 1_000 }

describe('login delays in process', () => {
  loginDelaysContract(async () => {
    let now = 0
    return {
      delays: createEmbeddedLoginDelays({ now: () => now }),
      advance: async (byMs) => {
        now += byMs
      },
    }
  })

  it('keeps memory bounded: of too many subjects the one quiet longest is forgotten', async () => {
    const delays = createEmbeddedLoginDelays({ now: () => 0, mostSubjects: 2 })
    await delays.begin('a', rule)
    await delays.begin('b', { ...rule, freeAttempts: 2 })
    await delays.begin('c', rule)
    expect(await delays.begin('c', rule)).toBe(1_000)
    expect(await delays.begin('a', rule)).toBe(0)
  })
})

it('while the store is away attempts are still delayed, and the operator is told', async () => {
  const away = () => Promise.reject(new Error('away'))
  const gone: LoginDelays = { begin: away, takeBack: away, forget: away }
  const problems: unknown[] = []
  const alone = createEmbeddedLoginDelays({ now: () => 0 })
  const delays = delaysWithFallback(gone, alone, (error) => problems.push(error))
  expect(await delays.begin('a', rule)).toBe(0)
  expect(await delays.begin('a', rule)).toBe(1_000)
  await delays.takeBack('a')
  expect(await delays.begin('a', rule)).toBe(0)
  await delays.forget('a')
  expect(await delays.begin('a', rule)).toBe(0)
  expect(problems).toHaveLength(6)
})
