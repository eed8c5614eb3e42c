import { describe, expect, it } from 'vitest'
import { sessionsContract } from './sessions.contract.ts'
import { createEmbeddedSessions } from './sessions.embedded.ts'
import { mostSessionsPerAccount } from './sessions.ts'

const startMs = 1_800_000_000_000
const sessionOf = (accountId: string) => ({
  ...{ accountId, sessionId: 's', refreshHash: 'h', device: null, address: '192.0.2.7' },
})

describe('sessions in process', () => {
  sessionsContract(async () => {
    let now = startMs
    return {
      sessions: createEmbeddedSessions({ now: () => now }),
      advance: async (byMs) => {
        now += byMs
      },
      nowMs: async () => now,
    }
  })

  it('answers the admission at once, as the contract does', async () => {
    const sessions = createEmbeddedSessions({ now: () => startMs })
    await sessions.open(sessionOf('1'), { lifetimeMs: 1_000, idleLifetimeMs: 1_000 })
    expect(sessions.isAliveNow('1', 's')).toBe(true)
    expect(sessions.isAliveNow('1', 't')).toBe(false)
  })

  it('tells of every end before its time, so that no remembered denial hides it', async () => {
    const told: string[] = []
    const sessions = createEmbeddedSessions({
      now: () => startMs,
      ended: (accountId) => told.push(accountId),
    })
    const open = (sessionId: string) =>
      sessions.open({ ...sessionOf('1'), sessionId }, { lifetimeMs: 60_000, idleLifetimeMs: 60_000 })
    for (let i = 0; i <= mostSessionsPerAccount; i++) await open(`s${i}`)
    expect(told).toEqual(['1'])
    await sessions.end('1', 's1')
    const old = { accountId: '1', sessionId: 's2', presentedHash: 'old', nextHash: 'older' }
    await sessions.rotate(
      { ...old, issuedAtMs: 0, address: '192.0.2.7' },
      { idleLifetimeMs: 60_000, graceMs: 10_000 },
    )
    await sessions.endAll('1')
    expect(told).toEqual(['1', '1', '1', '1'])
  })

  it('frees the memory of expired sessions as new ones come', async () => {
    let now = startMs
    const sessions = createEmbeddedSessions({ now: () => now })
    const openMany = async (prefix: string, lifetimeMs: number): Promise<void> => {
      for (let i = 0; i < 1_000; i++) {
        await sessions.open(sessionOf(`${prefix}${i}`), { lifetimeMs, idleLifetimeMs: lifetimeMs })
      }
    }
    await openMany('short', 60_000)
    now += 60_001
    await openMany('long', 3_600_000)
    // Set back, the clock would show whatever was kept.
    now = startMs
    expect(await sessions.count()).toBe(1_000)
  })
})
