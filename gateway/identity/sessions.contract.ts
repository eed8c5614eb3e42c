import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { mostSessionsPerAccount, type NewSession, type Rotation, type Sessions } from './sessions.ts'

/** A store under test, empty, with its own way to let time pass. */
export interface SessionsBench {
  readonly sessions: Sessions
  advance(byMs: number): Promise<void>
  /** The store's clock, epoch milliseconds. */
  nowMs(): Promise<number>
}

const hourMs = 3_600_000
const lifetimes = { lifetimeMs: hourMs, idleLifetimeMs: hourMs }
const times = { idleLifetimeMs: hourMs, graceMs: 10_000 }
const issuedAtMs = 1_800_000_000_000

/** What every home of `Sessions` promises. */
export function sessionsContract(open: () => Promise<SessionsBench>): void {
  const sessionOf = (accountId: string): NewSession => ({
    accountId,
    sessionId: randomBytes(18).toString('base64url'),
    refreshHash: 'first',
    device: 'Firefox (Linux)',
    address: '192.0.2.7',
  })

  const rotate = (
    sessions: Sessions,
    { accountId, sessionId }: Pick<NewSession, 'accountId' | 'sessionId'>,
    [presentedHash, nextHash]: readonly [string, string],
    other: { idleLifetimeMs?: number; graceMs?: number; issuedAtMs?: number; address?: string } = {},
  ): Promise<Rotation> =>
    sessions.rotate(
      { accountId, sessionId, presentedHash, nextHash, issuedAtMs, address: '192.0.2.7', ...other },
      { ...times, ...other },
    )

  it('keeps a session alive for its lifetime, then forgets it', async () => {
    const { sessions, advance } = await open()
    const session = sessionOf('1')
    const { sessionId } = session
    await sessions.open(session, lifetimes)
    expect(await sessions.isAlive('1', sessionId)).toBe(true)
    await advance(hourMs - 5_000)
    expect(await sessions.isAlive('1', sessionId)).toBe(true)
    await advance(6_000)
    expect(await sessions.isAlive('1', sessionId)).toBe(false)
    expect(await rotate(sessions, session, ['first', 'second'])).toEqual({ kind: 'session-ended' })
    expect(await sessions.count()).toBe(0)
    expect(await sessions.list('1')).toEqual([])
    expect(await sessions.endAll('1')).toBe(0)
  })

  it('knows a session only under the account that opened it', async () => {
    const { sessions } = await open()
    const session = sessionOf('1')
    const { sessionId } = session
    await sessions.open(session, lifetimes)
    expect(await sessions.isAlive('2', sessionId)).toBe(false)
    expect(await sessions.list('2')).toEqual([])
    const stranger = { accountId: '2', sessionId }
    expect(await rotate(sessions, stranger, ['first', 'second'])).toEqual({ kind: 'session-ended' })
    expect(await sessions.end('2', sessionId)).toBe(false)
    expect(await sessions.isAlive('1', sessionId)).toBe(true)
  })

  it('rotates the current secret any number of times, without a longer life', async () => {
    const { sessions, advance } = await open()
    const session = sessionOf('1')
    await sessions.open(session, lifetimes)
    await advance(hourMs / 2)
    expect(await rotate(sessions, session, ['first', 'second'])).toEqual({ kind: 'rotated' })
    expect(await rotate(sessions, session, ['second', 'third'])).toEqual({ kind: 'rotated' })
    await advance(hourMs / 2 + 1_000)
    expect(await sessions.isAlive('1', session.sessionId)).toBe(false)
  })

  it('ends a session that is not used for its idle lifetime', async () => {
    const { sessions, advance } = await open()
    const [used, unused] = [sessionOf('1'), sessionOf('1')]
    for (const session of [used, unused]) {
      await sessions.open(session, { lifetimeMs: hourMs, idleLifetimeMs: 600_000 })
    }
    const idle = { idleLifetimeMs: 600_000 }
    await advance(500_000)
    expect(await rotate(sessions, used, ['first', 'second'], idle)).toEqual({ kind: 'rotated' })
    await advance(500_000)
    expect(await sessions.isAlive('1', unused.sessionId)).toBe(false)
    expect(await sessions.isAlive('1', used.sessionId)).toBe(true)
    expect((await sessions.list('1')).map(({ sessionId }) => sessionId)).toEqual([used.sessionId])
    expect(await sessions.count()).toBe(1)
    await advance(101_000)
    expect(await rotate(sessions, used, ['second', 'third'], idle)).toEqual({ kind: 'session-ended' })
    expect(await sessions.count()).toBe(0)
  })

  it('gives the predecessor of the current secret the same answer within the grace (L6)', async () => {
    const { sessions, advance } = await open()
    const session = sessionOf('1')
    await sessions.open(session, lifetimes)
    await rotate(sessions, session, ['first', 'second'], { issuedAtMs: 1_000 })
    await advance(9_000)
    expect(await rotate(sessions, session, ['first', 'second'], { issuedAtMs: 10_000 })).toEqual({
      kind: 'replayed',
      issuedAtMs: 1_000,
    })
    expect(await rotate(sessions, session, ['second', 'third'])).toEqual({ kind: 'rotated' })
  })

  it('does not let replays lengthen the grace: after it, the predecessor ends the session', async () => {
    const { sessions, advance } = await open()
    const session = sessionOf('1')
    await sessions.open(session, lifetimes)
    await rotate(sessions, session, ['first', 'second'])
    await advance(6_000)
    expect(await rotate(sessions, session, ['first', 'second'])).toMatchObject({ kind: 'replayed' })
    await advance(6_000)
    expect(await rotate(sessions, session, ['first', 'second'])).toEqual({ kind: 'reused' })
    expect(await sessions.isAlive('1', session.sessionId)).toBe(false)
    expect(await rotate(sessions, session, ['second', 'third'])).toEqual({ kind: 'session-ended' })
    expect(await sessions.count()).toBe(0)
  })

  it('has no grace at all when it is zero', async () => {
    const { sessions } = await open()
    const session = sessionOf('1')
    await sessions.open(session, lifetimes)
    await rotate(sessions, session, ['first', 'second'])
    expect(await rotate(sessions, session, ['first', 'second'], { graceMs: 0 })).toEqual({ kind: 'reused' })
    expect(await sessions.isAlive('1', session.sessionId)).toBe(false)
  })

  it.each([
    { what: 'the predecessor of the predecessor', exchange: ['first', 'second'] },
    { what: 'a secret that never was one', exchange: ['made up', 'follows'] },
  ] as const)('ends the session at once for $what', async ({ exchange }) => {
    const { sessions } = await open()
    const session = sessionOf('1')
    await sessions.open(session, lifetimes)
    await rotate(sessions, session, ['first', 'second'])
    await rotate(sessions, session, ['second', 'third'])
    expect(await rotate(sessions, session, exchange)).toEqual({ kind: 'reused' })
    expect(await sessions.isAlive('1', session.sessionId)).toBe(false)
    expect(await sessions.list('1')).toEqual([])
  })

  it('forgives nothing before the first rotation', async () => {
    const { sessions } = await open()
    const session = sessionOf('1')
    await sessions.open(session, lifetimes)
    expect(await rotate(sessions, session, ['guessed', 'first'])).toEqual({ kind: 'reused' })
  })

  it('rotates once for many simultaneous uses of the same secret, and gives all the same answer', async () => {
    const { sessions } = await open()
    const session = sessionOf('1')
    await sessions.open(session, lifetimes)
    const rotations = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        rotate(sessions, session, ['first', 'second'], { issuedAtMs: 1_000 + i }),
      ),
    )
    const winner = rotations.findIndex(({ kind }) => kind === 'rotated')
    expect(rotations.filter((_, i) => i !== winner)).toEqual(
      Array(19).fill({ kind: 'replayed', issuedAtMs: 1_000 + winner }),
    )
    expect(await sessions.isAlive('1', session.sessionId)).toBe(true)
  })

  it('lists what an owner needs to know their sessions by, the newest first', async () => {
    const { sessions, advance, nowMs } = await open()
    const [old, recent] = [sessionOf('1'), { ...sessionOf('1'), device: null, address: '2001:db8::7' }]
    await sessions.open(old, lifetimes)
    await sessions.open(sessionOf('2'), lifetimes)
    await advance(600_000)
    await sessions.open(recent, { lifetimeMs: hourMs, idleLifetimeMs: 1_800_000 })
    await advance(600_000)
    await rotate(sessions, old, ['first', 'second'], { address: '198.51.100.1' })
    await advance(60_000)
    const listed = await sessions.list('1')
    const now = await nowMs()
    // A store on another machine may take a moment to answer.
    const near = (ms: number) => Math.round((ms - now) / 5_000) * 5
    expect(
      listed.map(({ openedAtMs, lastSeenAtMs, expiresAtMs, ...shown }) => ({
        ...shown,
        seconds: [near(openedAtMs), near(lastSeenAtMs), near(expiresAtMs)],
      })),
    ).toEqual([
      {
        sessionId: recent.sessionId,
        device: null,
        address: '2001:db8::7',
        seconds: [-660, -660, 1_140],
      },
      {
        sessionId: old.sessionId,
        device: 'Firefox (Linux)',
        address: '198.51.100.1',
        seconds: [-1_260, -60, 2_340],
      },
    ])
  })

  it('ends one session, says whether there was one, and leaves the others of the account', async () => {
    const { sessions } = await open()
    const [one, other] = [sessionOf('1'), sessionOf('1')]
    await sessions.open(one, lifetimes)
    await sessions.open(other, lifetimes)
    expect(await sessions.end('1', one.sessionId)).toBe(true)
    expect(await sessions.end('1', one.sessionId)).toBe(false)
    expect(await sessions.isAlive('1', one.sessionId)).toBe(false)
    expect(await sessions.isAlive('1', other.sessionId)).toBe(true)
    expect(await sessions.count()).toBe(1)
    expect(await sessions.list('1')).toHaveLength(1)
  })

  it('ends all sessions of one account and counts those that were alive', async () => {
    const { sessions, advance } = await open()
    const [short, long, stranger] = [sessionOf('1'), sessionOf('1'), sessionOf('2')]
    const twoHours = { lifetimeMs: 2 * hourMs, idleLifetimeMs: 2 * hourMs }
    await sessions.open(long, twoHours)
    await sessions.open(stranger, twoHours)
    await sessions.open(short, lifetimes)
    await advance(hourMs + 1_000)
    expect(await sessions.isAlive('1', long.sessionId)).toBe(true)
    expect(await sessions.endAll('1')).toBe(1)
    expect(await sessions.isAlive('1', long.sessionId)).toBe(false)
    expect(await sessions.isAlive('2', stranger.sessionId)).toBe(true)
    expect(await sessions.count()).toBe(1)
    expect(await sessions.endAll('1')).toBe(0)
  })

  it('ends all sessions of an account but one', async () => {
    const { sessions } = await open()
    const [kept, ...others] = [sessionOf('1'), sessionOf('1'), sessionOf('1')] as const
    for (const session of [kept, ...others]) await sessions.open(session, lifetimes)
    expect(await sessions.endAll('1', { except: kept.sessionId })).toBe(2)
    expect((await sessions.list('1')).map(({ sessionId }) => sessionId)).toEqual([kept.sessionId])
    expect(await sessions.isAlive('1', kept.sessionId)).toBe(true)
    expect(await sessions.isAlive('1', others[0].sessionId)).toBe(false)
    expect(await sessions.count()).toBe(1)
  })

  it('keeps no more sessions of an account than it may have: a new one ends the least used', async () => {
    const { sessions, advance } = await open()
    const first = sessionOf('1')
    const unused = sessionOf('1')
    await sessions.open(first, lifetimes)
    await sessions.open(unused, { lifetimeMs: hourMs, idleLifetimeMs: hourMs - 10_000 })
    await advance(1_000)
    for (let i = 2; i < mostSessionsPerAccount; i++) await sessions.open(sessionOf('1'), lifetimes)
    expect(await sessions.count()).toBe(mostSessionsPerAccount)
    const last = sessionOf('1')
    // Shorter than all others: it must not make room for itself.
    await sessions.open(last, { lifetimeMs: 60_000, idleLifetimeMs: 60_000 })
    expect(await sessions.isAlive('1', unused.sessionId)).toBe(false)
    expect(await sessions.isAlive('1', first.sessionId)).toBe(true)
    expect(await sessions.isAlive('1', last.sessionId)).toBe(true)
    expect(await sessions.list('1')).toHaveLength(mostSessionsPerAccount)
    expect(await sessions.count()).toBe(mostSessionsPerAccount)
  })

  it('counts what is alive, all accounts together', async () => {
    const { sessions, advance } = await open()
    expect(await sessions.count()).toBe(0)
    for (let account = 1; account <= 30; account++) {
      const lifetimeMs = account <= 10 ? hourMs : 3 * hourMs
      await sessions.open(sessionOf(String(account)), { lifetimeMs, idleLifetimeMs: lifetimeMs })
    }
    expect(await sessions.count()).toBe(30)
    await advance(2 * hourMs)
    expect(await sessions.count()).toBe(20)
  })
}
