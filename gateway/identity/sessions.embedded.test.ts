import { describe, expect, it } from 'vitest'
import { sessionsContract } from './sessions.contract.ts'
import { createEmbeddedSessions } from './sessions.embedded.ts'

const startMs = 1_800_000_000_000

describe('sessions in process', () => {
  sessionsContract(async () => {
    let now = startMs
    return {
      sessions: createEmbeddedSessions({ now: () => now }),
      advance: async (byMs) => {
        now += byMs
      },
    }
  })

  it('answers the admission at once, as the contract does', async () => {
    const sessions = createEmbeddedSessions({ now: () => startMs })
    await sessions.open({ accountId: '1', sessionId: 's', refreshHash: 'h', openedAtMs: startMs }, 1000)
    expect(sessions.isAliveNow('1', 's')).toBe(true)
    expect(sessions.isAliveNow('1', 't')).toBe(false)
  })

  it('frees the memory of expired sessions as new ones come', async () => {
    let now = startMs
    const sessions = createEmbeddedSessions({ now: () => now })
    const openMany = async (prefix: string, lifetimeMs: number): Promise<void> => {
      for (let i = 0; i < 1_000; i++) {
        const session = { accountId: `${prefix}${i}`, sessionId: 's', refreshHash: 'h', openedAtMs: now }
        await sessions.open(session, lifetimeMs)
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
