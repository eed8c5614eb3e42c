import { expect, test } from 'vitest'
import { bypassWhenAway } from './bypass-when-away.ts'
import { keepingOf } from './responses.contract.ts'
import type { Responses } from './responses.ts'

function openAway() {
  let calls = 0
  let nowMs = 0
  let isAway = true
  const answer = async <T>(value: T): Promise<T> => {
    calls++
    if (isAway) throw new Error('away')
    return value
  }
  const home: Responses = {
    find: (keys) => answer(keys.map(() => ({ kind: 'varies', by: null }) as const)),
    keep: () => answer(true),
    forget: () => answer(undefined),
    purge: () => answer(1),
  }
  return {
    responses: bypassWhenAway(home, { now: () => nowMs }),
    calls: () => calls,
    pass: (ms: number) => {
      nowMs += ms
    },
    comeBack: () => {
      isAway = false
    },
  }
}

test('a place that is away holds nothing, keeps nothing and fails nobody', async () => {
  const { responses } = openAway()
  expect(await responses.find(['a', 'b'])).toEqual([null, null])
  expect(await responses.keep(keepingOf())).toBe(false)
  await responses.forget(['a'])
})

test('after a few failures it is asked once a second, and used again as soon as it answers', async () => {
  const { responses, calls, pass, comeBack } = openAway()
  for (let i = 0; i < 10; i++) await responses.find(['a'])
  expect(calls()).toBe(3)
  pass(1_000)
  for (let i = 0; i < 10; i++) await responses.find(['a'])
  expect(calls()).toBe(4)
  comeBack()
  pass(1_000)
  expect(await responses.find(['a'])).toEqual([{ kind: 'varies', by: null }])
  expect(await responses.keep(keepingOf())).toBe(true)
})

test('a purge that did not happen is told', async () => {
  const { responses } = openAway()
  await expect(responses.purge('path /a')).rejects.toThrow('away')
})
