import { expect, it } from 'vitest'
import { type DelayRule, forgottenAfterMs, type LoginDelays } from './login-delays.ts'

/** A home under test, empty, with its own way to let time pass. */
export interface LoginDelaysBench {
  readonly delays: LoginDelays
  advance(byMs: number): Promise<void>
}

const rule: DelayRule = { freeAttempts: 3, firstDelayMs: 10_000, longestDelayMs: 60_000 }

/** What every home of `LoginDelays` promises. */
export function loginDelaysContract(open: () => Promise<LoginDelaysBench>): void {
  const openSpent = async (subject: string) => {
    const bench = await open()
    for (let attempt = 0; attempt < 3; attempt++) expect(await bench.delays.begin(subject, rule)).toBe(0)
    return bench
  }
  const expectWait = async ({ delays }: LoginDelaysBench, subject: string, waitMs: number) => {
    const waited = await delays.begin(subject, rule)
    expect(waited).toBeLessThanOrEqual(waitMs)
    expect(waited).toBeGreaterThan(waitMs - 5_000)
  }

  it('lets the first few through, then makes each wait twice as long, up to the longest', async () => {
    const bench = await openSpent('l:ada@example.org')
    for (const delayMs of [10_000, 20_000, 40_000, 60_000, 60_000]) {
      await expectWait(bench, 'l:ada@example.org', delayMs)
      await bench.advance(delayMs - 5_000)
      await expectWait(bench, 'l:ada@example.org', 5_000)
      await bench.advance(5_000)
      expect(await bench.delays.begin('l:ada@example.org', rule)).toBe(0)
    }
  })

  it('lets no more of a hundred that come at once through', async () => {
    const { delays } = await open()
    const waits = await Promise.all(Array.from({ length: 100 }, () => delays.begin('a:192.0.2.1', rule)))
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(3)
  })

  it('counts each subject alone', async () => {
    const { delays } = await openSpent('l:ada@example.org')
    expect(await delays.begin('l:bob@example.org', rule)).toBe(0)
    expect(await delays.begin('a:2001:db8::', rule)).toBe(0)
  })

  it('does not make anyone wait longer who asks too early', async () => {
    const bench = await openSpent('l:ada@example.org')
    for (let early = 0; early < 20; early++) await expectWait(bench, 'l:ada@example.org', 10_000)
    await bench.advance(10_000)
    expect(await bench.delays.begin('l:ada@example.org', rule)).toBe(0)
  })

  it('forgets all when told, and one when one is taken back', async () => {
    const bench = await openSpent('l:ada@example.org')
    await bench.delays.takeBack('l:ada@example.org')
    expect(await bench.delays.begin('l:ada@example.org', rule)).toBe(0)
    await expectWait(bench, 'l:ada@example.org', 10_000)
    await bench.delays.forget('l:ada@example.org')
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await bench.delays.begin('l:ada@example.org', rule)).toBe(0)
    }
  })

  it('takes nothing back of what was never counted', async () => {
    const { delays } = await open()
    for (let time = 0; time < 5; time++) await delays.takeBack('a:192.0.2.1')
    await delays.begin('a:192.0.2.1', rule)
    await delays.takeBack('a:192.0.2.1')
    await delays.takeBack('a:192.0.2.1')
    const waits = await Promise.all(Array.from({ length: 4 }, () => delays.begin('a:192.0.2.1', rule)))
    expect(waits.map((waitMs) => waitMs > 0)).toEqual([false, false, false, true])
  })

  it('forgets by itself after a while without an attempt', async () => {
    const bench = await openSpent('l:ada@example.org')
    await bench.advance(forgottenAfterMs)
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await bench.delays.begin('l:ada@example.org', rule)).toBe(0)
    }
  })

  it('takes any text for a subject', async () => {
    const subjects = ['l:', 'l:a}b{c', `l:${'x'.repeat(10_000)}`, 'l:\u0000\n', 'l:🔑']
    const { delays } = await open()
    for (const subject of subjects) expect(await delays.begin(subject, rule)).toBe(0)
  })
}
