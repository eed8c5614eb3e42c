import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Session, Sessions } from './sessions.ts'

/** A store under test, empty, with its own way to let time pass. */
export interface SessionsBench {
  readonly sessions: Sessions
  advance(byMs: number): Promise<void>
}

const hourMs = 3_600_000

/** What every home of `Sessions` promises. */
export function sessionsContract(open: () => Promise<SessionsBench>): void {
  const sessionOf = (accountId: string): Session => ({
    accountId,
    sessionId: randomBytes(18).toString('base64url'),
    refreshHash: 'first',
    openedAtMs: 1_800_000_000_000,
  })

  it('keeps a session alive for its lifetime, then forgets it', async () => {
    const { sessions, advance } = await open()
    const { sessionId } = sessionOf('1')
    await sessions.open({ ...sessionOf('1'), sessionId }, hourMs)
    expect(await sessions.isAlive('1', sessionId)).toBe(true)
    await advance(hourMs - 5_000)
    expect(await sessions.isAlive('1', sessionId)).toBe(true)
    await advance(6_000)
    expect(await sessions.isAlive('1', sessionId)).toBe(false)
    expect(await sessions.rotate('1', sessionId, 'first', 'second')).toEqual({ kind: 'session-ended' })
    expect(await sessions.count()).toBe(0)
    expect(await sessions.endAll('1')).toBe(0)
  })

  it('knows a session only under the account that opened it', async () => {
    const { sessions } = await open()
    const session = sessionOf('1')
    await sessions.open(session, hourMs)
    expect(await sessions.isAlive('2', session.sessionId)).toBe(false)
    expect(await sessions.rotate('2', session.sessionId, 'first', 'second')).toEqual({
      kind: 'session-ended',
    })
    await sessions.end('2', session.sessionId)
    expect(await sessions.isAlive('1', session.sessionId)).toBe(true)
  })

  it('rotates the current secret any number of times, without a longer life', async () => {
    const { sessions, advance } = await open()
    const session = sessionOf('1')
    await sessions.open(session, hourMs)
    await advance(hourMs / 2)
    expect(await sessions.rotate('1', session.sessionId, 'first', 'second')).toEqual({ kind: 'rotated' })
    expect(await sessions.rotate('1', session.sessionId, 'second', 'third')).toEqual({ kind: 'rotated' })
    await advance(hourMs / 2 + 1_000)
    expect(await sessions.isAlive('1', session.sessionId)).toBe(false)
  })

  it('ends the session when a secret comes a second time', async () => {
    const { sessions } = await open()
    const session = sessionOf('1')
    await sessions.open(session, hourMs)
    await sessions.rotate('1', session.sessionId, 'first', 'second')
    expect(await sessions.rotate('1', session.sessionId, 'first', 'stolen')).toEqual({ kind: 'reused' })
    expect(await sessions.isAlive('1', session.sessionId)).toBe(false)
    expect(await sessions.rotate('1', session.sessionId, 'second', 'third')).toEqual({
      kind: 'session-ended',
    })
    expect(await sessions.count()).toBe(0)
  })

  it('lets one of many simultaneous rotations of the same secret pass', async () => {
    const { sessions } = await open()
    const session = sessionOf('1')
    await sessions.open(session, hourMs)
    const rotations = await Promise.all(
      Array.from({ length: 20 }, (_, i) => sessions.rotate('1', session.sessionId, 'first', `next-${i}`)),
    )
    expect(rotations.filter(({ kind }) => kind === 'rotated')).toHaveLength(1)
  })

  it('ends one session and leaves the others of the account', async () => {
    const { sessions } = await open()
    const [one, other] = [sessionOf('1'), sessionOf('1')]
    await sessions.open(one, hourMs)
    await sessions.open(other, hourMs)
    await sessions.end('1', one.sessionId)
    await sessions.end('1', one.sessionId)
    expect(await sessions.isAlive('1', one.sessionId)).toBe(false)
    expect(await sessions.isAlive('1', other.sessionId)).toBe(true)
    expect(await sessions.count()).toBe(1)
  })

  it('ends all sessions of one account and counts those that were alive', async () => {
    const { sessions, advance } = await open()
    const [short, long, stranger] = [sessionOf('1'), sessionOf('1'), sessionOf('2')]
    await sessions.open(long, 2 * hourMs)
    await sessions.open(stranger, 2 * hourMs)
    await sessions.open(short, hourMs)
    await advance(hourMs + 1_000)
    expect(await sessions.isAlive('1', long.sessionId)).toBe(true)
    expect(await sessions.endAll('1')).toBe(1)
    expect(await sessions.isAlive('1', long.sessionId)).toBe(false)
    expect(await sessions.isAlive('2', stranger.sessionId)).toBe(true)
    expect(await sessions.count()).toBe(1)
    expect(await sessions.endAll('1')).toBe(0)
  })

  it('counts what is alive, all accounts together', async () => {
    const { sessions, advance } = await open()
    expect(await sessions.count()).toBe(0)
    for (let account = 1; account <= 30; account++) {
      await sessions.open(sessionOf(String(account)), account <= 10 ? hourMs : 3 * hourMs)
    }
    expect(await sessions.count()).toBe(30)
    await advance(2 * hourMs)
    expect(await sessions.count()).toBe(20)
  })
}
