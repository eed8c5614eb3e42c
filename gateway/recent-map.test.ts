import { expect, it } from 'vitest'
import { RecentMap } from './recent-map.ts'

it('never holds more than its bound, and keeps the latest half of it', () => {
  const map = new RecentMap<number, string>(10)
  for (let i = 0; i < 1_000; i++) {
    map.set(i, `of ${i}`)
    expect(map.size).toBeLessThanOrEqual(10)
    for (let latest = Math.max(0, i - 4); latest <= i; latest++) expect(map.get(latest)).toBe(`of ${latest}`)
  }
})

it('keeps what is asked for again and again while others come and go', () => {
  const map = new RecentMap<number, string>(10)
  map.set(-1, 'mine')
  for (let i = 0; i < 1_000; i++) {
    map.set(i, 'of another')
    expect(map.get(-1)).toBe('mine')
  }
})

it('gives the last value that was set, and none that was taken out', () => {
  const map = new RecentMap<string, number>(4)
  for (const key of ['a', 'b', 'c', 'a', 'd']) map.set(key, map.size)
  map.set('a', 7)
  expect(map.get('a')).toBe(7)
  map.delete('a')
  expect(map.get('a')).toBeUndefined()
  map.clear()
  expect([map.get('b'), map.size]).toEqual([undefined, 0])
})
